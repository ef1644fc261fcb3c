//! People use the product with Chromium: the console, sign-in with providers, the API's own pages, and passkeys.

mod console;
mod pages;
mod passkeys;
mod providers;
mod site;
