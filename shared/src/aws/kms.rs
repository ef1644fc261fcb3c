//! Message authentication codes (MACs) of AWS KMS. The key never leaves KMS.

use aws_sdk_kms::{
    Client, error::SdkError, operation::verify_mac::VerifyMacError, primitives::Blob, types::MacAlgorithmSpec,
};
use tokio::sync::OnceCell;

use super::client;
use crate::error::Unavailable;

/// The only algorithm of a key with the spec `HMAC_256`.
const ALGORITHM: MacAlgorithmSpec = MacAlgorithmSpec::HmacSha256;
/// The length of a MAC in bytes.
pub const MAC_LEN: usize = 32;

/// A key that makes and verifies MACs. Connects at first use. Every call has a timeout.
pub struct MacKey {
    /// Its ARN or alias.
    id: String,
    client: OnceCell<Client>,
}

impl MacKey {
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self { id: id.to_owned(), client: OnceCell::new() }
    }

    /// Returns the MAC of `message`, which has at most 4,096 bytes.
    pub async fn generate(&self, message: &[u8]) -> Result<Vec<u8>, Unavailable> {
        let generate = self.client().await.generate_mac().key_id(&self.id).mac_algorithm(ALGORITHM);
        let generated = generate.message(Blob::new(message)).send().await;
        let mac = generated.map_err(|error| Unavailable::new("kms", error))?.mac;
        mac.map(Blob::into_inner).ok_or_else(|| Unavailable::new("kms", anyhow::anyhow!("no MAC returned")))
    }

    /// Checks whether `mac` is the MAC of `message`.
    pub async fn verify(&self, message: &[u8], mac: &[u8]) -> Result<bool, Unavailable> {
        // KMS answers other lengths with an error that is not about the MAC.
        if mac.len() != MAC_LEN {
            return Ok(false);
        }
        let verify = self.client().await.verify_mac().key_id(&self.id).mac_algorithm(ALGORITHM);
        match verify.message(Blob::new(message)).mac(Blob::new(mac)).send().await {
            Ok(verified) => Ok(verified.mac_valid),
            Err(SdkError::ServiceError(error))
                if matches!(error.err(), VerifyMacError::KmsInvalidMacException(_)) =>
            {
                Ok(false)
            }
            Err(error) => Err(Unavailable::new("kms", error)),
        }
    }

    async fn client(&self) -> &Client {
        self.client.get_or_init(|| async { Client::new(client::config().await) }).await
    }
}
