//! `/v1/auth/oauth/{provider}/…`

mod attacks;
mod authorize;
mod callback;
mod id_tokens;
mod passkeys;
mod stand_ins;
