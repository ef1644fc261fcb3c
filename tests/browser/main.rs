//! People use the API with Chromium: sign-in with providers, the API's own pages, and passkeys.

mod pages;
mod passkeys;
mod providers;
mod site;
