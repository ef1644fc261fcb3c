//! How long a text takes from the request that announces it until it can be found, with its upload: one instance each of `extract` and `index`.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use harness::{TestApp, ingestion::Ingestion, model::Model, upload::upload};

/// The length of the text.
const BYTES: usize = 1_000_000;
/// The time in which the model answers.
const MODEL_DELAY: Duration = Duration::from_millis(50);

/// The time that a text took.
pub struct Throughput {
    pub bytes: usize,
    pub chunks: i64,
    pub time: Duration,
}

/// Has a text of these paragraphs processed.
pub async fn run(paragraphs: &[String]) -> Result<Throughput> {
    let model = Model::default();
    model.delay(MODEL_DELAY).await;
    let ingestion = Ingestion::with(&[("EMBEDDING_MODEL", model.name())]).await;
    let app = TestApp::with(&ingestion.settings()).await;
    let ada = app.verified_person("Ada").await;
    let organization = ada.create_organization("Engines").await;
    // Starts the functions.
    upload(&ada, &organization, "Short", "A short text.").await;
    ingestion.ingest(&app.database).await;

    let mut text = String::new();
    for paragraph in paragraphs.iter().cycle() {
        if text.len() + paragraph.len() > BYTES {
            break;
        }
        text += paragraph;
        text += "\n\n";
    }
    let before = chunks(&app).await;
    let began = Instant::now();
    upload(&ada, &organization, "Long", &text).await;
    ingestion.ingest(&app.database).await;
    let time = began.elapsed();
    let ready: i64 = app.database.value("SELECT count(*) FROM artifacts WHERE status = 'ready'").await;
    ensure!(ready == 2, "the text was not processed: {:?}", ingestion.logs());
    Ok(Throughput { bytes: text.len(), chunks: chunks(&app).await - before, time })
}

async fn chunks(app: &TestApp) -> i64 {
    app.database.value("SELECT count(*) FROM chunks").await
}
