//! What is true of every page of the console, and stories over several pages.

use harness::PASSWORD;
use serde_json::json;

use crate::site::Site;

const ROUTES: &str = include_str!("../../../web/platform/src/routes.tsx");

/// Returns the paths in `routes.tsx`: those for people who have not signed in, and those for people who have.
fn paths() -> (Vec<&'static str>, Vec<&'static str>) {
    let (public, others) = ROUTES.split_once("export const pages").expect("two lists of pages");
    let paths = |list: &'static str| {
        let entries = list.lines().filter_map(|line| line.trim().strip_prefix('"')?.split_once("\": page("));
        entries.map(|(path, _)| path).collect::<Vec<_>>()
    };
    (paths(public), paths(others))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_before_a_sign_in_is_accessible_and_fits_into_a_phone() {
    let site = Site::with_console().await;
    let (public, _) = paths();
    assert!(public.contains(&"/sign-in") && public.contains(&"/invitation"), "{public:?}");
    site.tell("console/every-page", &json!({ "paths": public })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_after_a_sign_in_is_accessible_and_fits_into_a_phone() {
    let site = Site::with_console().await;
    let app = &site.app;
    let ada = app.administrator("Ada").await;
    let organization = ada.create_organization("Engines").await;
    let mut ids = ada.create_everything(&organization).await;
    app.prepare_artifact("download_artifact", &ids["artifactId"]).await;
    app.prepare_conversation("create_answer", &ids["conversationId"]).await;
    let id = organization.trim_start_matches("/v1/organizations/");
    ids.insert("organizationId".to_owned(), id.to_owned());
    ids.insert("userId".to_owned(), app.person("Bob").await.id);

    let (_, pages) = paths();
    assert!(pages.contains(&"/") && pages.contains(&"/administration/audit"), "{pages:?}");
    let with_ids = |path: &&str| {
        let parts =
            path.split('/').map(|part| part.strip_prefix(':').map_or(part, |name| ids[name].as_str()));
        parts.collect::<Vec<_>>().join("/")
    };
    let mut pages: Vec<_> = pages.iter().map(with_ids).collect();
    pages.push("/a/page/that/is/not/there".to_owned());
    let person = json!({ "email": ada.email, "password": PASSWORD });
    site.tell("console/every-page", &json!({ "person": person, "paths": pages })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_works_with_the_keyboard_alone() {
    let site = Site::with_console().await;
    let ada = site.app.verified_person("Ada").await;
    let invited = "charles@example.com";
    let person = json!({ "email": ada.email, "password": PASSWORD, "name": "Ada" });
    site.tell("console/keyboard", &json!({ "person": person, "invited": invited })).await;
    assert_eq!(site.app.mail_count(invited), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tabs_refresh_one_at_a_time_and_stay_signed_in() {
    let site = Site::with_console().await;
    let ada = site.app.person("Ada").await;
    let organization = ada.create_organization("Engines").await;
    let given = json!({
        "person": { "email": ada.email, "password": PASSWORD },
        "organization": organization.trim_start_matches("/v1/organizations/"),
    });
    site.tell("console/two-tabs", &given).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn page_of_a_stranger_cannot_show_the_console_in_a_frame() {
    let site = Site::with_console().await;
    let ada = site.app.person("Ada").await;
    let given = json!({ "person": { "email": ada.email, "password": PASSWORD } });
    site.tell("console/in-a-frame", &given).await;
}
