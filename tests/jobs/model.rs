//! Embeddings by the local model and its faults.

use std::time::Duration;

use harness::{environment_without_database, model::Model};
use shared::{
    aws::secrets::Secrets,
    config::Config,
    domain::{deadline::Deadline, vector::DIMENSIONS},
    http_client::embeddings::{Embedded, EmbeddingError, Embeddings},
};
use tokio::time::Instant;

fn embeddings(changes: &[(&str, &str)]) -> Embeddings {
    let environment = environment_without_database();
    let lookup = |name: &str| {
        let change = changes.iter().find(|(variable, _)| *variable == name);
        change.map(|(_, value)| (*value).to_owned()).or_else(|| environment.get(name).cloned())
    };
    let config = Config::from_lookup(lookup, &[]).expect("a valid configuration");
    Embeddings::new(&config, Secrets::default(), None)
}

async fn embed(changes: &[(&str, &str)], texts: &[&str]) -> Result<Embedded, EmbeddingError> {
    embeddings(changes).embed(texts, Deadline::after(Duration::from_mins(2))).await
}

fn similarity(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[tokio::test]
async fn related_sentences_are_near_and_others_are_not() {
    let real = [("EMBEDDING_MODEL", local_stack::model::NAME)];
    let texts = [
        "How do I reset my password?",
        "Steps to change a forgotten passphrase",
        "The volcano erupted at dawn",
    ];
    let embedded = embed(&real, &texts).await.expect("vectors");
    let [password, passphrase, volcano] = embedded.vectors.try_into().expect("three vectors");
    for vector in [&password, &passphrase, &volcano] {
        assert_eq!(vector.len(), DIMENSIONS);
        assert!((similarity(vector, vector) - 1.0).abs() < 1e-5);
    }
    assert!(similarity(&password, &passphrase) > 0.5);
    assert!(similarity(&password, &volcano) < 0.2);
    let alone = embed(&real, &texts[..1]).await.expect("a vector");
    assert_eq!(alone.vectors[0], password, "a text has the same vector alone and in a batch");
}

#[tokio::test]
async fn text_longer_than_the_window_of_the_model_is_cut() {
    let long = "window ".repeat(3_000);
    let embedded = embed(&[("EMBEDDING_MODEL", local_stack::model::NAME)], &[&long]).await.expect("a vector");
    assert_eq!(embedded.tokens, 512);
}

#[tokio::test]
async fn tokens_are_those_that_the_model_counted() {
    let model = Model::default();
    let settings = [("EMBEDDING_MODEL", model.name())];
    let embedded = embed(&settings, &["one two three", "four"]).await.expect("vectors");
    let seen = model.seen().await;
    assert_eq!((seen.requests, seen.inputs, seen.tokens), (1, 2, embedded.tokens));
    assert!(embedded.tokens > 0);
}

#[tokio::test]
async fn no_text_asks_nothing() {
    let model = Model::default();
    let embedded = embed(&[("EMBEDDING_MODEL", model.name())], &[]).await.expect("nothing");
    assert_eq!((embedded.vectors.len(), embedded.tokens), (0, 0));
    assert_eq!(model.seen().await.requests, 0);
}

#[tokio::test]
async fn each_fault_of_the_model_has_its_error() {
    let fault = async |kind: &str| {
        let model = Model::new(kind);
        embed(&[("EMBEDDING_MODEL", model.name())], &["a text"]).await.expect_err(kind)
    };
    assert_eq!(fault("stub-500").await.to_string(), "model unavailable: status 500", "the log has the cause");
    assert!(matches!(fault("stub-garbage").await, EmbeddingError::Invalid { .. }));
    let throttled = fault("stub-429").await;
    let EmbeddingError::Throttled { retry_after } = throttled else { panic!("{throttled:?}") };
    assert_eq!(retry_after, Duration::from_secs(7));
    assert_eq!(
        fault("no-model").await.to_string(),
        "model rejected the request: status 404, model_not_found"
    );
}

#[tokio::test]
async fn wrong_settings_are_rejected_and_do_not_count_as_an_outage() {
    let unknown = embeddings(&[("OPENAI_API_KEY", " ")]);
    for _ in 0..10 {
        let error = unknown.embed(&["a text"], Deadline::far()).await.expect_err("no key");
        assert_eq!(error.to_string(), "model rejected the request: status 401, invalid_api_key");
    }
    let model = Model::default();
    let settings = [("EMBEDDING_MODEL", model.name()), ("EMBEDDING_DIMENSIONS", "100")];
    assert!(matches!(embed(&settings, &["a text"]).await, Err(EmbeddingError::Invalid { .. })));
    let asked = [settings[0], settings[1], ("EMBEDDING_SEND_DIMENSIONS", "true")];
    assert_eq!(embed(&asked, &["a text"]).await.expect("a vector").vectors[0].len(), DIMENSIONS);
}

#[tokio::test]
async fn model_that_hangs_costs_the_timeout_and_is_left() {
    let model = Model::new("stub-hang");
    let begin = Instant::now();
    let settings = [("EMBEDDING_MODEL", model.name()), ("OPENAI_TIMEOUT", "300")];
    let error = embed(&settings, &["a text"]).await.expect_err("no answer");
    assert!(matches!(error, EmbeddingError::Unavailable(_)), "{error:?}");
    assert!(begin.elapsed() < Duration::from_secs(5));
    let begin = Instant::now();
    while model.seen().await.aborted == 0 {
        assert!(begin.elapsed() < Duration::from_secs(20), "the connection is still open");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn model_that_fails_five_times_is_not_asked_again() {
    let model = Model::new("stub-500");
    let embeddings = embeddings(&[("EMBEDDING_MODEL", model.name())]);
    for _ in 0..8 {
        let error = embeddings.embed(&["a text"], Deadline::far()).await.expect_err("a fault");
        assert!(matches!(error, EmbeddingError::Unavailable(_)), "{error:?}");
    }
    assert_eq!(model.seen().await.failed, 5);
}
