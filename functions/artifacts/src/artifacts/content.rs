//! The content of a new artifact.

use data_encoding::HEXLOWER_PERMISSIVE;
use ring::digest::{SHA256, digest};
use serde::Deserialize;
use shared::{
    ApiError,
    domain::ingestion::{MAX_FILE_BYTES, MediaType},
};
use utoipa::ToSchema;

use crate::refusals;

/// The longest text in a request, in bytes of UTF-8. With its JSON around it, it fits into a body.
const MAX_TEXT_BYTES: usize = 48_000;

/// The text of an artifact: 1 to 48,000 bytes of UTF-8.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(value_type = String, min_length = 1, max_length = 48_000, example = "The Analytical Engine weaves algebraic patterns.")]
pub struct Text(String);

impl TryFrom<String> for Text {
    type Error = &'static str;

    fn try_from(raw: String) -> Result<Self, Self::Error> {
        if (1..=MAX_TEXT_BYTES).contains(&raw.len()) {
            Ok(Self(raw))
        } else {
            Err("a text has 1 to 48000 bytes of UTF-8; upload a longer one as a file")
        }
    }
}

/// A file that will be uploaded.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct NewFile {
    #[schema(value_type = MediaType)]
    media_type: String,
    /// The size of the file: storage takes exactly so many bytes.
    #[schema(minimum = 0, maximum = 104_857_600)]
    byte_size: u64,
    sha256: Sha256,
}

/// The SHA-256 of a file, in 64 hexadecimal digits.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(
    value_type = String, min_length = 64, max_length = 64, pattern = "^[0-9A-Fa-f]{64}$",
    example = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
)]
pub struct Sha256(Vec<u8>);

impl TryFrom<String> for Sha256 {
    type Error = &'static str;

    fn try_from(raw: String) -> Result<Self, Self::Error> {
        let bytes = HEXLOWER_PERMISSIVE.decode(raw.as_bytes()).ok().filter(|bytes| bytes.len() == 32);
        bytes.map(Self).ok_or("this must be the SHA-256 of the file in 64 hexadecimal digits")
    }
}

/// The content of a new artifact: of a text, or of a file that will be uploaded.
#[derive(Debug)]
pub struct NewContent<'a> {
    /// `None` for a file.
    pub text: Option<&'a str>,
    pub media_type: MediaType,
    pub bytes: u64,
    pub sha256: Vec<u8>,
}

impl<'a> NewContent<'a> {
    /// Reads the content from a request, which has either a text or a file.
    pub fn read(text: Option<&'a Text>, file: Option<&NewFile>) -> Result<Self, ApiError> {
        match (text, file) {
            (Some(Text(text)), None) => Ok(Self {
                text: Some(text),
                media_type: MediaType::PlainText,
                bytes: text.len() as u64,
                sha256: digest(&SHA256, text.as_bytes()).as_ref().to_vec(),
            }),
            (None, Some(file)) => Self::of_file(file),
            _ => Err(refusals::TEXT_OR_FILE_NEEDED.into()),
        }
    }

    fn of_file(file: &NewFile) -> Result<Self, ApiError> {
        let known = MediaType::ALL.iter().find(|known| known.as_str() == file.media_type);
        let Some(media_type) = known.copied() else {
            return Err(refusals::TYPE_NOT_SUPPORTED.at("/file/mediaType"));
        };
        if file.byte_size > MAX_FILE_BYTES {
            return Err(refusals::FILE_TOO_LARGE.at("/file/byteSize"));
        }
        Ok(Self { text: None, media_type, bytes: file.byte_size, sha256: file.sha256.0.clone() })
    }

    /// Returns the size as the database stores it.
    pub fn byte_size(&self) -> i64 {
        i64::try_from(self.bytes).unwrap_or(i64::MAX)
    }
}
