//! The API, as a client sees it: all functions in one process, on real services.

mod api_keys;
mod audit;
mod change_email;
mod cookies;
mod forged_tokens;
mod headers;
mod input;
mod invitations;
mod login;
mod magic_links;
mod mailed_pages;
mod me;
mod openapi;
mod organizations;
mod personal_data;
mod rate_limit;
mod recovery;
mod refresh;
mod register;
mod sessions;
mod story;
mod system;
mod team;
mod tenants;
mod users;
mod verification;
