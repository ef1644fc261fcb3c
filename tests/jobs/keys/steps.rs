//! The four steps of a rotation: once, twice, out of order, and not at all.

use chrono::TimeDelta;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Keys, ROTATION_INTERVAL, STEPS, by_status, create, current, key_texts, manager, put_current};

#[tokio::test]
async fn signing_key_is_next_current_then_previous_and_published_before_it_signs() {
    let keys = Keys::new().await;
    let before = by_status(&current(&keys.signing).await);
    let version = keys.begin(&keys.signing);

    let made = keys.step("createSecret", &keys.signing, &version).await.expect("created");
    let fresh = made["next"].as_str().expect("an id").to_owned();
    assert_eq!(made["current"], before["next"]);
    assert_eq!(by_status(&current(&keys.signing).await), before, "the version is not current yet");
    assert!(!keys.published().await.contains(&fresh));

    keys.step("setSecret", &keys.signing, &version).await.expect("set");
    let published = keys.published().await;
    assert_eq!(by_status(&current(&keys.signing).await), before, "the version is not current yet");
    for status in ["next", "current", "previous"] {
        assert!(published.contains(&before[status].as_str().expect("an id").to_owned()), "{status}");
    }
    assert!(published.contains(&fresh));

    keys.step("testSecret", &keys.signing, &version).await.expect("tested");
    keys.step("finishSecret", &keys.signing, &version).await.expect("finished");
    let after = current(&keys.signing).await;
    assert_eq!(by_status(&after)["next"], json!(fresh));
    assert_eq!(by_status(&after)["current"], before["next"]);
    let previous = after["keys"].as_array().expect("keys").iter().filter(|key| key["status"] == "previous");
    let previous: Vec<&Value> = previous.map(|key| &key["kid"]).collect();
    assert_eq!(previous, [&before["current"], &before["previous"]]);
    let public = current(&keys.verification).await.to_string();
    assert!(["\"d\"", "status", "_at"].iter().all(|private| !public.contains(private)), "{public}");
}

#[tokio::test]
async fn text_keys_move_to_the_front_and_the_session_secret_stays() {
    let keys = Keys::new().await;
    for (arn, member) in [(&keys.auth, "refreshSecret"), (&keys.encryption, "key")] {
        let before = current(arn).await;
        keys.rotate(arn).await;
        let after = current(arn).await;
        let ([old, next], [first, second, fresh]) = (
            key_texts(&before, member).try_into().expect("two"),
            key_texts(&after, member).try_into().expect("three"),
        );
        assert_eq!([&first, &second], [&next, &old]);
        assert!(fresh != next && fresh != old);
        assert_eq!(after["sessionSecret"], before["sessionSecret"]);
    }
}

#[tokio::test]
async fn secret_without_a_next_key_gets_one_and_keeps_its_own() {
    let keys = Keys::new().await;
    let mut document = current(&keys.auth).await;
    let only = key_texts(&document, "refreshSecret").remove(0);
    document["refreshSecret"] = json!(only);
    put_current(&keys.auth, &document).await;
    keys.rotate(&keys.auth).await;
    let after = key_texts(&current(&keys.auth).await, "refreshSecret");
    assert_eq!((after.len(), &after[0]), (2, &only));
}

#[tokio::test]
async fn steps_can_be_repeated_and_do_nothing_after_the_end() {
    let keys = Keys::new().await;
    for arn in keys.rotating() {
        let version = keys.begin(arn);
        for step in STEPS {
            let first = keys.step(step, arn, &version).await.expect("done");
            let before = keys.documents().await;
            let again = keys.step(step, arn, &version).await.expect("done again");
            assert_eq!([&first["current"], &first["next"]], [&again["current"], &again["next"]], "{step}");
            assert_eq!(keys.documents().await, before, "{step}");
        }
        let before = keys.documents().await;
        for step in STEPS {
            let late = keys.step(step, arn, &version).await.expect("nothing to do");
            assert!(late["done"].as_str().expect("a text").starts_with("nothing"), "{late}");
        }
        assert_eq!(keys.documents().await, before);
    }
    keys.function.log_line(|line| line.contains("KeysRotated") && line.contains("encryption")).await;
}

#[tokio::test]
async fn steps_out_of_order_change_nothing() {
    let keys = Keys::new().await;
    let before = keys.documents().await;
    for arn in keys.rotating() {
        let version = keys.begin(arn);
        let tried = keys.step("testSecret", arn, &version).await.expect("the current version works");
        assert!(tried["done"].as_str().expect("a sentence").contains("no other version"), "{tried}");
        for step in ["setSecret", "finishSecret"] {
            let refusal = keys.refused(step, arn, &version).await;
            assert!(refusal.contains("createSecret has not made"), "{refusal}");
        }
    }
    assert_eq!(keys.documents().await, before);

    // A signing key does not become current before its public key is published.
    let version = keys.begin(&keys.signing);
    keys.step("createSecret", &keys.signing, &version).await.expect("created");
    for step in ["testSecret", "finishSecret"] {
        let refusal = keys.refused(step, &keys.signing, &version).await;
        assert!(refusal.contains("published"), "{refusal}");
    }
    assert_eq!(keys.documents().await, before);
}

#[tokio::test]
async fn invalid_rotation_requests_are_refused() {
    let keys = Keys::new().await;
    let before = keys.documents().await;
    let foreign = create("foreign", &json!({ "key": "x" })).await;
    for arn in [&foreign, &keys.verification, "arches/production/auth", ""] {
        let refusal = keys.refused("createSecret", arn, &keys.begin(arn)).await;
        assert!(refusal.contains("not a secret that this function rotates"), "{refusal}");
    }
    let refusal = keys.refused("createSecret", &keys.auth, &Uuid::new_v4().to_string()).await;
    assert!(refusal.contains("has no version"), "{refusal}");
    let refusal = keys.refused("dropSecret", &keys.auth, &keys.begin(&keys.auth)).await;
    assert!(refusal.contains("dropSecret") && refusal.contains("createSecret"), "{refusal}");
    keys.proxy.disable_rotation(&keys.auth);
    let refusal = keys.refused("createSecret", &keys.auth, &keys.begin(&keys.auth)).await;
    assert!(refusal.contains("rotation is not enabled"), "{refusal}");
    assert_eq!(keys.documents().await, before);
    assert_eq!(current(&foreign).await, json!({ "key": "x" }));
}

#[tokio::test]
async fn former_version_does_not_become_current_again() {
    let keys = Keys::new().await;
    let first = keys.begin(&keys.auth);
    for step in STEPS {
        keys.step(step, &keys.auth, &first).await.expect("done");
    }
    keys.age(ROTATION_INTERVAL).await;
    keys.rotate(&keys.auth).await;
    let before = keys.documents().await;
    for step in STEPS {
        let refusal = keys.refused(step, &keys.auth, &first).await;
        assert!(refusal.contains("is not pending"), "{refusal}");
    }
    assert_eq!(keys.documents().await, before);
}

#[tokio::test]
async fn interrupted_rotation_keeps_working_keys_and_the_next_one_completes() {
    let keys = Keys::new().await;
    let before = by_status(&current(&keys.signing).await);
    let version = keys.begin(&keys.signing);
    for step in &STEPS[..3] {
        keys.step(step, &keys.signing, &version).await.expect("done");
    }
    assert_eq!(by_status(&current(&keys.signing).await), before);
    let orphan = keys.published().await;

    keys.rotate(&keys.signing).await;
    let after = by_status(&current(&keys.signing).await);
    assert_eq!(after["current"], before["next"]);
    let published = keys.published().await;
    let gone: Vec<_> = orphan.iter().filter(|kid| !published.contains(kid)).collect();
    assert_eq!(gone.len(), 1, "only the next key of the interrupted rotation, which has signed nothing");
    keys.refused("finishSecret", &keys.signing, &version).await;
}

#[tokio::test]
async fn second_rotation_too_soon_is_refused() {
    let keys = Keys::new().await;
    for arn in keys.rotating() {
        keys.rotate(arn).await;
        let before = keys.documents().await;
        let refusal = keys.refused("createSecret", arn, &keys.begin(arn)).await;
        assert!(refusal.contains("not known everywhere before"), "{refusal}");
        assert_eq!(keys.documents().await, before);
    }
}

#[tokio::test]
async fn outdated_version_is_withdrawn() {
    let keys = Keys::new().await;
    // A key was removed by hand during a rotation. The rotation must not bring it back.
    let version = keys.begin(&keys.auth);
    keys.step("createSecret", &keys.auth, &version).await.expect("created");
    let mut document = current(&keys.auth).await;
    let next = key_texts(&document, "refreshSecret").remove(1);
    document["refreshSecret"] = json!(next);
    put_current(&keys.auth, &document).await;
    let refusal = keys.refused("finishSecret", &keys.auth, &version).await;
    assert!(refusal.contains("withdrawn") && refusal.contains("was removed"), "{refusal}");
    let refusal = keys.refused("finishSecret", &keys.auth, &version).await;
    assert!(refusal.contains("is not pending"), "{refusal}");
    keys.rotate(&keys.auth).await;
    assert_eq!(key_texts(&current(&keys.auth).await, "refreshSecret")[0], next);

    // A version does not become current more than half an hour after its creation.
    let version = keys.begin(&keys.encryption);
    keys.step("createSecret", &keys.encryption, &version).await.expect("created");
    let client = manager().await;
    let pending =
        client.get_secret_value().secret_id(&keys.encryption).version_stage("AWSPENDING").send().await;
    let mut document =
        serde_json::from_str(pending.expect("a value").secret_string().expect("a text")).expect("JSON");
    super::age(&mut document, TimeDelta::minutes(30));
    let late = keys.begin(&keys.encryption);
    let put = client.put_secret_value().secret_id(&keys.encryption).client_request_token(&late);
    put.secret_string(document.to_string()).version_stages("AWSPENDING").send().await.expect("a version");
    let before = keys.documents().await;
    let refusal = keys.refused("createSecret", &keys.encryption, &late).await;
    assert!(refusal.contains("withdrawn") && refusal.contains("too long ago"), "{refusal}");
    assert_eq!(keys.documents().await, before);
    keys.rotate(&keys.encryption).await;
}

#[tokio::test]
async fn key_is_dropped_only_when_nothing_made_with_it_is_valid() {
    let keys = Keys::new().await;
    let [signing, auth, encryption] = keys.rotating();
    let has = async |arn: &str, key: &str| current(arn).await.to_string().contains(key);
    let access = by_status(&current(signing).await)["current"].as_str().expect("an id").to_owned();
    let refresh = key_texts(&current(auth).await, "refreshSecret").remove(0);
    let sealing = key_texts(&current(encryption).await, "key").remove(0);
    // 15 minutes, 7 days and 90 days, each plus one hour.
    for (arn, key, lifetime) in [
        (signing, &access, TimeDelta::minutes(75)),
        (auth, &refresh, TimeDelta::days(7) + TimeDelta::hours(1)),
        (encryption, &sealing, TimeDelta::days(90) + TimeDelta::hours(1)),
    ] {
        keys.rotate(arn).await;
        keys.age(lifetime - TimeDelta::minutes(5)).await;
        keys.rotate(arn).await;
        assert!(has(arn, key).await, "{arn} still has {key}");
        keys.age(ROTATION_INTERVAL).await;
        keys.rotate(arn).await;
        assert!(!has(arn, key).await, "{arn} no longer has {key}");
    }
    assert!(!keys.published().await.contains(&access));
}

#[tokio::test]
async fn no_key_is_in_a_log_or_an_answer() {
    let keys = Keys::new().await;
    let mut answers = Vec::new();
    let mut secrets = Vec::new();
    for arn in keys.rotating() {
        let version = keys.begin(arn);
        for step in STEPS {
            answers.push(keys.step(step, arn, &version).await.expect("done").to_string());
        }
        keys.refused("createSecret", arn, &keys.begin(arn)).await;
        let document = current(arn).await;
        for member in ["refreshSecret", "sessionSecret", "key"] {
            secrets.extend(
                document[member].as_str().into_iter().flat_map(|text| text.split(',')).map(str::to_owned),
            );
        }
        let set = document["keys"].as_array().into_iter().flatten();
        secrets.extend(set.map(|key| key["d"].as_str().expect("a seed").to_owned()));
    }
    assert_eq!(secrets.len(), 4 + 3 + 1 + 3);
    keys.function.log_line(|line| line.contains("job failed")).await;
    let said = keys.function.log().into_iter().chain(answers);
    for text in said {
        assert!(secrets.iter().all(|secret| !text.contains(secret.as_str())), "{text}");
    }
}
