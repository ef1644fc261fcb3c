//! A software authenticator (WebAuthn Level 3, 6), and the calls of a front end with it. It writes its messages by hand, so that tests can make
//! any wrong one.

use std::cell::Cell;

use data_encoding::BASE64URL_NOPAD;
use ring::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{Answer, Client, ORIGIN, Person};

/// The relying party: the host of [`ORIGIN`].
const RP_ID: &str = "app.example.com";
const PRESENT: u8 = 0b0000_0001;
const VERIFIED: u8 = 0b0000_0100;
const HAS_CREDENTIAL: u8 = 0b0100_0000;
/// ES256 (RFC 9053, 2.1), in CBOR.
const ES256: &[u8] = &[0x26];

/// A passkey on a device.
pub struct Passkey {
    pub id: Vec<u8>,
    pub user: Vec<u8>,
    pair: EcdsaKeyPair,
    /// The number of uses.
    pub count: Cell<u32>,
}

/// What an authenticator says. A test changes it before it is signed.
pub struct Statement {
    pub client_data: Value,
    pub rp_id: String,
    pub flags: u8,
    pub count: u32,
    /// The algorithm of the key, in CBOR.
    pub algorithm: Vec<u8>,
    pub id: Vec<u8>,
    pub user: Option<Vec<u8>>,
    /// The length to which the authenticator data is cut, or filled with zeros.
    pub length: Option<usize>,
    /// The bit of the signature that is wrong.
    pub flips_signature: bool,
    /// The attestation object, in place of the right one.
    pub attestation: Option<Vec<u8>>,
}

fn base64(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

impl Statement {
    fn new(kind: &str, challenge: &Value, passkey: &Passkey) -> Self {
        Self {
            client_data: json!({ "type": kind, "challenge": challenge, "origin": ORIGIN, "crossOrigin": false }),
            rp_id: RP_ID.to_owned(),
            flags: PRESENT | VERIFIED,
            count: 0,
            algorithm: ES256.to_vec(),
            id: passkey.id.clone(),
            user: Some(passkey.user.clone()),
            length: None,
            flips_signature: false,
            attestation: None,
        }
    }

    /// Returns the authenticator data (6.1), with `credential` at its end.
    fn data(&self, credential: &[u8]) -> Vec<u8> {
        let hash = digest(&SHA256, self.rp_id.as_bytes());
        let mut data = [hash.as_ref(), &[self.flags], &self.count.to_be_bytes(), credential].concat();
        if let Some(length) = self.length {
            data.resize(length, 0);
        }
        data
    }
}

impl Passkey {
    /// Makes a key for the user of these options.
    #[must_use]
    pub fn new(options: &Value) -> Self {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).expect("a key");
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, document.as_ref(), &random);
        let user = options["user"]["id"].as_str().expect("a user");
        Self {
            id: Uuid::new_v4().as_bytes().to_vec(),
            user: BASE64URL_NOPAD.decode(user.as_bytes()).expect("base64url"),
            pair: pair.expect("a key"),
            count: Cell::new(0),
        }
    }

    /// Returns the new credential for these options, after `change`.
    pub fn create(&self, options: &Value, change: impl FnOnce(&mut Statement)) -> Value {
        let mut said = Statement::new("webauthn.create", &options["challenge"], self);
        said.flags |= HAS_CREDENTIAL;
        change(&mut said);
        // A key: type EC2, the algorithm, P-256, and the point (RFC 9053, 7.1.1).
        let point = self.pair.public_key().as_ref();
        let (x, y) = point[1..].split_at(32);
        let key = [&[0xa5, 1, 2, 3], &*said.algorithm, &[0x20, 1, 0x21, 0x58, 32], x, &[0x22, 0x58, 32], y]
            .concat();
        let length = u16::try_from(said.id.len()).expect("a short id").to_be_bytes();
        let data = said.data(&[&[0; 16], &length[..], &said.id, &key].concat());
        let size = u16::try_from(data.len()).expect("short data").to_be_bytes();
        let object = [b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59", &size[..], &data].concat();
        let object = said.attestation.unwrap_or(object);
        json!({
            "id": base64(&said.id),
            "rawId": base64(&said.id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": {
                "attestationObject": base64(&object),
                "clientDataJSON": base64(said.client_data.to_string().as_bytes()),
                "transports": ["internal"],
            },
        })
    }

    /// Returns the signed challenge of these options, after `change`.
    pub fn sign(&self, options: &Value, change: impl FnOnce(&mut Statement)) -> Value {
        let mut said = Statement::new("webauthn.get", &options["challenge"], self);
        self.count.set(self.count.get() + 1);
        said.count = self.count.get();
        change(&mut said);
        let (data, client_data) = (said.data(&[]), said.client_data.to_string());
        let text = [&*data, digest(&SHA256, client_data.as_bytes()).as_ref()].concat();
        let signature = self.pair.sign(&SystemRandom::new(), &text).expect("a signature");
        let mut signature = signature.as_ref().to_vec();
        if said.flips_signature {
            *signature.last_mut().expect("a byte") ^= 1;
        }
        json!({
            "id": base64(&said.id),
            "rawId": base64(&said.id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": {
                "authenticatorData": base64(&data),
                "clientDataJSON": base64(client_data.as_bytes()),
                "signature": base64(&signature),
                "userHandle": said.user.as_deref().map(base64),
            },
        })
    }
}

/// Returns a credential that no relying party knows, in the form of both ceremonies.
#[must_use]
pub fn unknown_credential() -> Value {
    json!({
        "id": "AA",
        "rawId": "AA",
        "type": "public-key",
        "clientExtensionResults": {},
        "response": {
            "attestationObject": "AA", "authenticatorData": "AA", "clientDataJSON": "AA", "signature": "AA", "userHandle": "AA"
        },
    })
}

impl Person<'_> {
    /// Begins to add a passkey. Returns the token and the options.
    pub async fn begin_passkey(&self) -> Value {
        self.client.post_nothing("/v1/auth/passkeys/options").await.ok(200).body["data"].clone()
    }

    /// Adds a passkey. The address must be proved.
    pub async fn add_passkey(&self, name: &str) -> Passkey {
        let begun = self.begin_passkey().await;
        let passkey = Passkey::new(&begun["publicKey"]);
        let credential = passkey.create(&begun["publicKey"], |_| ());
        self.finish_passkey(&begun, name, &credential).await.ok(201);
        passkey
    }

    /// Sends a new credential.
    pub async fn finish_passkey(&self, begun: &Value, name: &str, credential: &Value) -> Answer {
        let body = json!({ "token": begun["token"], "name": name, "credential": credential });
        self.client.post("/v1/auth/passkeys", body).await
    }
}

impl Client<'_> {
    /// Begins a sign-in. Returns the token and the options.
    pub async fn begin_passkey_sign_in(&self) -> Value {
        self.post_nothing("/v1/auth/passkeys/sign-in/options").await.ok(200).body["data"].clone()
    }

    /// Sends a signed challenge.
    pub async fn finish_passkey_sign_in(&self, begun: &Value, credential: &Value) -> Answer {
        let body = json!({ "token": begun["token"], "credential": credential });
        self.post("/v1/auth/passkeys/sign-in", body).await
    }

    /// Proves with `passkey` who the user is. Returns the code.
    pub async fn passkey_code(&self, passkey: &Passkey) -> String {
        let begun = self.begin_passkey_sign_in().await;
        let credential = passkey.sign(&begun["publicKey"], |_| ());
        let answer = self.finish_passkey_sign_in(&begun, &credential).await.ok(200);
        answer.text("/data/passkeyCode").to_owned()
    }

    /// Signs in with `passkey`.
    pub async fn sign_in_with_passkey(&self, passkey: &Passkey) -> Answer {
        let code = json!({ "passkeyCode": self.passkey_code(passkey).await });
        self.post("/v1/auth/oauth/exchange", code).await
    }
}
