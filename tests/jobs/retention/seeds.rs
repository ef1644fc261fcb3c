//! The seeds of authenticator apps outlive the keys that encrypt them.

use data_encoding::BASE64;
use harness::TestApp;
use retention::{Report, Request, run};
use shared::{crypto::keyring::KeyId, lambda::job::Deadline};

use super::{job, state_set};

/// Returns the setting with a key for each byte.
fn keys(bytes: &[u8]) -> String {
    let keys: Vec<_> = bytes.iter().map(|byte| BASE64.encode(&[*byte; 32])).collect();
    keys.join(",")
}

async fn run_with(app: &TestApp, keys: &str, dry_run: bool) -> Report {
    let state = state_set(app, &[("ENCRYPTION_KEY", keys)]);
    let request = Request { dry_run, ..Request::default() };
    run(&state, request, &job(Deadline::far())).await.expect("a report")
}

#[tokio::test]
async fn app_works_after_its_key_was_rotated_and_removed() {
    let old = TestApp::with(&[("ENCRYPTION_KEY", &keys(&[1]))]).await;
    let ada = old.verified_person("Ada").await;
    let factor = ada.add_authenticator().await;
    // Begun, and not confirmed yet.
    let bob = old.verified_person("Bob").await;
    bob.client.post_nothing("/v1/auth/totp").await.ok(201);

    let both = keys(&[2, 1]);
    let during = old.second_instance_with(&[("ENCRYPTION_KEY", &both)]);
    let token = during.challenge(&ada.email).await;
    let code = during.next_code(&factor.app);
    during.client().answer_challenge(&token, "code", &code).await.ok(201);
    let seeds = |report: Report| (report.resealed, report.sealed_with_other_keys);
    assert_eq!(seeds(run_with(&old, &both, true).await), (0, 2), "a dry run changes nothing");

    assert_eq!(seeds(run_with(&old, &both, false).await), (2, 0));

    assert_eq!(seeds(run_with(&old, &both, false).await), (0, 0), "the second run has nothing to do");
    let current = KeyId::of(&[2; 32]).as_bytes().to_vec();
    let ids = "SELECT array_agg(DISTINCT substring(sealed FROM 1 FOR 4)) FROM totp_factors";
    assert_eq!(old.database.value::<Vec<Vec<u8>>>(ids).await, [current]);
    let after = old.second_instance_with(&[("ENCRYPTION_KEY", &keys(&[2]))]);
    let token = after.challenge(&ada.email).await;
    let code = after.next_code(&factor.app);
    after.client().answer_challenge(&token, "code", &code).await.ok(201);
}

#[tokio::test]
async fn seed_whose_key_is_gone_fails_no_run_and_a_recovery_code_still_signs_in() {
    let old = TestApp::with(&[("ENCRYPTION_KEY", &keys(&[1]))]).await;
    let ada = old.verified_person("Ada").await;
    let factor = ada.add_authenticator().await;

    let report = run_with(&old, &keys(&[3]), false).await;

    assert_eq!((report.resealed, report.sealed_with_other_keys, report.complete), (0, 1, true));
    let after = old.second_instance_with(&[("ENCRYPTION_KEY", &keys(&[3]))]);
    let token = after.challenge(&ada.email).await;
    let code = &factor.recovery_codes[0];
    after.client().answer_challenge(&token, "recoveryCode", code).await.ok(201);
}
