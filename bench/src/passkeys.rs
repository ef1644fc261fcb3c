//! The cost of a sign-in with a passkey: three requests to two functions.

use std::time::Duration;

use anyhow::Result;
use harness::Passkey;
use serde_json::json;

use crate::{
    instance::Instance,
    report::{Report, Target},
    warm::median,
    world::{User, World, event, millis, post},
};

/// Sign-ins per round. The figure of a round is their median.
const SIGN_INS: usize = 20;

/// Measures all three requests together: no time of the person or of the browser is in it.
pub async fn run(world: &World, report: &mut Report) -> Result<()> {
    let (auth, oauth) =
        (world.start("Auth", &world.environment).await?, world.start("Oauth", &world.environment).await?);
    let ada = world.register(&auth).await?;
    // Passkeys need a proved address.
    world.database.execute("UPDATE users SET email_verified_at = created_at, password_proved = true").await;
    let passkey = add_passkey(&oauth, &ada).await?;
    let (mut latency, mut cpu) = (Vec::new(), Vec::new());
    for _ in 0..world.rounds {
        let before = auth.cpu()? + oauth.cpu()?;
        let mut taken = Vec::new();
        for _ in 0..SIGN_INS {
            taken.push(sign_in(&auth, &oauth, &passkey).await?);
        }
        latency.push(millis(median(taken)));
        #[expect(clippy::cast_precision_loss, reason = "twenty")]
        cpu.push(millis((auth.cpu()? + oauth.cpu()?).saturating_sub(before)) / SIGN_INS as f64);
    }
    report.add_value("login", "sign-in with a passkey", "ms", &latency, Target::AtMost(4.0));
    report.add_value("login", "sign-in with a passkey: CPU", "ms", &cpu, Target::None);
    report.add_value("login", "memory of oauth", "MiB", &[oauth.peak_memory()?], Target::AtMost(40.0));
    Ok(())
}

async fn add_passkey(oauth: &Instance, user: &User) -> Result<Passkey> {
    let token = Some(user.token.as_str());
    let (begun, _) =
        oauth.request(&event("POST", "/v1/auth/passkeys/options", token, None, &[]), 200).await?;
    let begun = &begun["data"];
    let passkey = Passkey::new(&begun["publicKey"]);
    let credential = passkey.create(&begun["publicKey"], |_| ());
    let body = json!({ "token": begun["token"], "name": "Phone", "credential": credential });
    oauth.request(&post("/v1/auth/passkeys", token, &body), 201).await?;
    Ok(passkey)
}

async fn sign_in(auth: &Instance, oauth: &Instance, passkey: &Passkey) -> Result<Duration> {
    let options = event("POST", "/v1/auth/passkeys/sign-in/options", None, None, &[]);
    let (begun, first) = oauth.request(&options, 200).await?;
    let credential = passkey.sign(&begun["data"]["publicKey"], |_| ());
    let body = json!({ "token": begun["data"]["token"], "credential": credential });
    let (proved, second) = oauth.request(&post("/v1/auth/passkeys/sign-in", None, &body), 200).await?;
    let body = json!({ "passkeyCode": proved["data"]["passkeyCode"] });
    let (_, third) = auth.request(&post("/v1/auth/oauth/exchange", None, &body), 201).await?;
    Ok(first + second + third)
}
