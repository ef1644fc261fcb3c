//! The search: how much of the nearest it finds, and how long it takes, in organizations of several sizes: `cargo xtask bench search`.

mod global_index;
mod library;
mod paragraphs;
mod table;
mod throughput;
mod vectors;

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use harness::{Database, TestApp};
use local_stack::model;
use shared::{
    db::{Db, Tx},
    domain::{ids::OrganizationId, vector::to_text},
    store::{
        self,
        search::{EXACT_UP_TO, Found, Search},
    },
};
use table::{Row, Table};
use uuid::Uuid;

use self::library::{REAL, SIZES, padded};

/// What to measure.
pub struct Options {
    /// The checkout.
    pub root: PathBuf,
    pub rounds: usize,
    /// Also measure an index on the vectors of all organizations.
    pub global_index: bool,
}

/// Queries of a round.
const QUERIES: usize = 100;
/// The places that are compared.
const TOP: i64 = 10;
/// The number of a query's longest words that are searched for: few texts have all words of a sentence.
const WORDS: usize = 2;

/// A query: a sentence that is not in the library.
pub struct Query {
    words: String,
    pub vector: Vec<f32>,
}

/// Measures everything. Returns the section of `docs/performance.md`, and the figures as JSON.
pub async fn run(options: Options) -> Result<(String, serde_json::Value)> {
    let Options { root, rounds, global_index } = options;
    let app = TestApp::on(Database::create().await, &[("EMBEDDING_MODEL", model::NAME)]);
    let (texts, queries) = texts(&root)?;
    let all: Vec<&str> = texts.iter().chain(&queries).map(String::as_str).collect();
    let began = Instant::now();
    let vectors = vectors::of(&root, &app.state.app.config, &all).await?;
    progress(&format!("{} vectors of real text, {:.0} s", vectors.len(), began.elapsed().as_secs_f64()));
    let (of_texts, of_queries) = vectors.split_at(REAL);

    let ada = app.person("Ada").await;
    let mut organizations = Vec::new();
    for size in SIZES {
        let path = ada.create_organization(&format!("With {size} chunks")).await;
        let id: Uuid = path.rsplit('/').next().context("an id")?.parse()?;
        organizations.push(OrganizationId(id));
    }
    let began = Instant::now();
    let real: Vec<_> = texts.iter().map(String::as_str).zip(of_texts.iter().map(Vec::as_slice)).collect();
    library::fill(app.database.pool(), &organizations, &real).await?;
    progress(&format!("Library filled, {:.0} s", began.elapsed().as_secs_f64()));

    let queries: Vec<_> =
        queries.iter().zip(of_queries).map(|(text, vector)| Query::new(text, vector)).collect();
    let mut rows: Vec<_> = SIZES.into_iter().map(Row::new).collect();
    for round in 0..=rounds {
        let began = Instant::now();
        for (row, organization) in rows.iter_mut().zip(&organizations) {
            let measured = measure(&app, *organization, &queries).await?;
            // The first round fills the caches of PostgreSQL.
            if round > 0 {
                row.add(measured);
            }
        }
        progress(&format!("Round {round} of {rounds}, {:.0} s", began.elapsed().as_secs_f64()));
    }
    for (row, organization) in rows.iter_mut().zip(&organizations) {
        compare(&app, *organization, &queries, row).await?;
    }
    let global =
        if global_index { Some(global_index::run(app.database.pool(), &queries).await?) } else { None };
    let throughput = throughput::run(&texts).await?;
    progress(&format!(
        "{} bytes of text can be found, {:.1} s",
        throughput.bytes,
        throughput.time.as_secs_f64()
    ));
    let table = Table { rows, rounds, global, throughput };
    Ok((table.text(), table.json()))
}

/// Returns the paragraphs of the library, and the sentences of the queries.
fn texts(root: &Path) -> Result<(Vec<String>, Vec<String>)> {
    let mut texts = paragraphs::all(root)?;
    progress(&format!("{} paragraphs found", texts.len()));
    let rest = texts.split_off(REAL.min(texts.len()));
    let queries: Vec<_> =
        rest.iter().filter_map(|text| paragraphs::query(text)).take(QUERIES).map(str::to_owned).collect();
    anyhow::ensure!(queries.len() == QUERIES, "too few paragraphs: build the workspace first");
    Ok((texts, queries))
}

impl Query {
    fn new(text: &str, vector: &[f32]) -> Self {
        let mut words: Vec<&str> = text.split(|c: char| !c.is_alphabetic()).collect();
        words.sort_by_key(|word| std::cmp::Reverse(word.len()));
        words.truncate(WORDS);
        Self { words: words.join(" "), vector: padded(vector) }
    }
}

/// The times of a round, by mode.
#[derive(Default)]
pub struct Times {
    semantic: Vec<Duration>,
    keyword: Vec<Duration>,
    hybrid: Vec<Duration>,
}

/// Makes each query in each mode.
async fn measure(app: &TestApp, organization: OrganizationId, queries: &[Query]) -> Result<Times> {
    let mut times = Times::default();
    for query in queries {
        let (vector, words) = (Some(&*query.vector), Some(&*query.words));
        for (vector, words, times) in [
            (vector, None, &mut times.semantic),
            (None, words, &mut times.keyword),
            (vector, words, &mut times.hybrid),
        ] {
            let began = Instant::now();
            search(&app.state.app.db, organization, vector, words).await?;
            times.push(began.elapsed());
        }
    }
    Ok(times)
}

/// Compares what is found by meaning with the nearest vectors.
async fn compare(
    app: &TestApp,
    organization: OrganizationId,
    queries: &[Query],
    row: &mut Row,
) -> Result<()> {
    for query in queries {
        let found = search(&app.state.app.db, organization, Some(&query.vector), None).await?;
        let vector = to_text(&query.vector);
        let began = Instant::now();
        let nearest = library::nearest(app.database.pool(), organization, &vector, TOP).await?;
        row.brute_force.push(began.elapsed());
        row.wanted += nearest.len();
        row.found += found.iter().filter(|found| nearest.contains(&found.chunk.id.0)).count();
    }
    Ok(())
}

async fn search(
    db: &Db,
    organization: OrganizationId,
    vector: Option<&[f32]>,
    words: Option<&str>,
) -> Result<Vec<Found>> {
    let wanted = Search {
        vector,
        model: model::NAME,
        dimensions: model::DIMENSIONS.cast_signed(),
        words,
        labels: None,
        artifacts: None,
        limit: TOP,
        exact_up_to: EXACT_UP_TO,
    };
    let read = async |tx: &mut Tx| Ok(store::search::search(tx, organization, &wanted).await?);
    db.read(read).await.map_err(|error| anyhow::anyhow!("{error:?}"))
}

fn progress(what: &str) {
    eprintln!("  ✓ {what}");
}
