//! Ingestion of 100 files while instances of `extract` and `index` are killed at random moments. `cargo xtask trial ingestion` runs it.

mod answers;
mod models;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use harness::{
    Database, TestApp,
    ingestion::{Ingestion, function_of},
    model::Model,
    runtime_api::Function,
    upload::upload,
};
use serde_json::json;
use shared::domain::clock::{Clock, SystemClock};
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

const UPLOADS: usize = 100;
/// Instances of each function.
const INSTANCES: usize = 2;
/// One of so many invocations is killed.
const KILLED: u64 = 3;
/// The longest life of an invocation that is killed.
const MAX_LIFE_MILLIS: u64 = 1_500;
/// The time after which a message of a killed invocation is received again. Longer than the lease of an artifact.
const VISIBILITY: Duration = Duration::from_secs(130);
const KILLING_TIME: Duration = Duration::from_mins(8);
const MAX_TIME: Duration = Duration::from_mins(40);
const SWEEP_INTERVAL: Duration = Duration::from_mins(1);
const INVOCATION_TIMEOUT: Duration = Duration::from_mins(2);
/// More than a batch of 64 chunks has: 1,200 characters each.
const MAX_BATCH_TOKENS: u64 = 64 * 400;

struct World {
    ingestion: Ingestion,
    database: Arc<Database>,
    kills: Kills,
    done: AtomicBool,
}

/// Whether instances are killed, and how many were.
#[derive(Default)]
struct Kills {
    stopped: AtomicBool,
    extract: AtomicU64,
    index: AtomicU64,
}

impl Kills {
    fn add(&self, function: &str) {
        let count = if function == "extract" { &self.extract } else { &self.index };
        count.fetch_add(1, Ordering::SeqCst);
    }

    fn of_extract(&self) -> u64 {
        self.extract.load(Ordering::SeqCst)
    }

    fn of_index(&self) -> u64 {
        self.index.load(Ordering::SeqCst)
    }
}

/// Returns a random number below `end`.
fn random(end: u64) -> u64 {
    let (high, low) = Uuid::new_v4().as_u64_pair();
    (high ^ low) % end
}

/// Returns a text of `sentences` sentences. Each sentence is in no other text.
fn document(number: usize, sentences: usize) -> Vec<String> {
    let sentence = |place: usize| {
        format!(
            "Sentence d{number}s{place} of this document says that part {place} was built, tested and delivered."
        )
    };
    (0..sentences).map(sentence).collect()
}

/// Sets the clock of the API to that of the functions that process files: they would take its artifacts for months old.
fn set_clock(app: &TestApp) {
    app.clock.advance(SystemClock.now() - app.clock.now());
}

/// An instance of the function of `queue`, which is started again when it was killed.
async fn instance(world: Arc<World>, queue: &'static str) {
    let name = function_of(queue);
    let start = || Function::start(name, world.ingestion.environment(&world.database));
    let mut function = start().await;
    while !world.done.load(Ordering::SeqCst) {
        let Some(batch) = world.ingestion.receive(queue, VISIBILITY).await else {
            sleep(Duration::from_millis(200)).await;
            continue;
        };
        let is_killed = !world.kills.stopped.load(Ordering::SeqCst) && random(KILLED) == 0;
        let life =
            if is_killed { Duration::from_millis(random(MAX_LIFE_MILLIS)) } else { INVOCATION_TIMEOUT * 2 };
        let answer = timeout(life, function.invoke_within(INVOCATION_TIMEOUT, batch.event.clone())).await;
        if let Ok(answer) = answer {
            world.ingestion.delete_handled(&batch, answer.as_ref().ok()).await;
        } else {
            world.kills.add(name);
            // Dropping it sends SIGKILL.
            function = start().await;
        }
    }
}

/// Runs the sweeper, as its schedule does.
async fn sweep(world: Arc<World>) {
    let mut environment = world.ingestion.environment(&world.database);
    environment.insert("DATABASE_URL".to_owned(), world.database.retention_url());
    let retention = Function::start("retention", environment).await;
    while !world.done.load(Ordering::SeqCst) {
        retention.invoke(json!({ "task": "artifacts" })).await.expect("a sweep");
        let begin = Instant::now();
        while begin.elapsed() < SWEEP_INTERVAL && !world.done.load(Ordering::SeqCst) {
            sleep(Duration::from_millis(200)).await;
        }
    }
}

/// Waits until no artifact is in progress. Returns the ids of those that failed and can be tried again.
async fn await_final(world: &World, begin: Instant) -> Vec<Uuid> {
    let mut shown = String::new();
    loop {
        let states: Vec<(String, i64)> =
            sqlx::query_as("SELECT status, count(*) FROM artifacts GROUP BY status ORDER BY status")
                .fetch_all(world.database.pool())
                .await
                .expect("artifacts");
        let now = format!(
            "{states:?}, {} and {} instances killed",
            world.kills.of_extract(),
            world.kills.of_index()
        );
        if now != shown {
            eprintln!("{:4} s  {now}", begin.elapsed().as_secs());
            shown = now;
        }
        if begin.elapsed() > KILLING_TIME {
            world.kills.stopped.store(true, Ordering::SeqCst);
        }
        if states.iter().all(|(status, _)| status != "pending" && status != "processing") {
            break;
        }
        assert!(begin.elapsed() < MAX_TIME, "artifacts are in progress for ever");
        sleep(Duration::from_secs(1)).await;
    }
    let failed = sqlx::query_scalar("SELECT id FROM artifacts WHERE status <> 'ready'");
    failed.fetch_all(world.database.pool()).await.expect("artifacts")
}

async fn count(database: &Database, query: &'static str) -> u64 {
    let count: i64 = sqlx::query_scalar(query).fetch_one(database.pool()).await.expect("a count");
    u64::try_from(count).expect("a count")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_instances_leave_nothing_half_done() {
    let model = Model::default();
    model.delay(Duration::from_millis(50)).await;
    let ingestion = Ingestion::with(&[("EMBEDDING_MODEL", model.name())]).await;
    let app = TestApp::with(&ingestion.settings()).await;
    set_clock(&app);
    let ada = app.verified_person("Ada").await;
    let organization = ada.create_organization("Analytical Engines").await;
    let world = Arc::new(World {
        ingestion,
        database: Arc::clone(&app.database),
        kills: Kills::default(),
        done: AtomicBool::new(false),
    });
    let mut tasks = vec![tokio::spawn(sweep(Arc::clone(&world)))];
    for queue in ["extract", "index"] {
        tasks.extend((0..INSTANCES).map(|_| tokio::spawn(instance(Arc::clone(&world), queue))));
    }
    for letters in ["extract-dead-letters", "index-dead-letters"] {
        tasks.push(tokio::spawn(instance(Arc::clone(&world), letters)));
    }

    let begin = Instant::now();
    let mut documents = Vec::new();
    for number in 0..UPLOADS {
        // 1 to about 180 chunks.
        set_clock(&app);
        let sentences = document(number, 1 + number * number / 4);
        let id = upload(&ada, &organization, &format!("Document {number}"), &sentences.join(" ")).await;
        documents.push((id, sentences));
    }
    let mut failed = await_final(&world, begin).await;
    eprintln!("{} of {UPLOADS} failed, and are tried again", failed.len());
    world.kills.stopped.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        set_clock(&app);
        // The first token has expired.
        let ada = ada.sign_in_again().await;
        for id in &failed {
            let retry = format!("{organization}/artifacts/{id}/retry");
            ada.client.post_nothing(&retry).await.ok(202);
        }
        failed = await_final(&world, begin).await;
    }
    world.done.store(true, Ordering::SeqCst);
    for task in tasks {
        task.await.expect("an instance");
    }
    assert!(failed.is_empty(), "{failed:?}");

    let database = &world.database;
    let wrong = count(
        database,
        "SELECT count(*) FROM artifacts a WHERE status = 'ready' AND (chunks_done <> chunks_total
            OR chunks_total <> (SELECT count(*) FROM chunks c WHERE c.artifact_id = a.id)
            OR chunks_total <> (SELECT count(DISTINCT ordinal) FROM chunks c WHERE c.artifact_id = a.id)
            OR chunks_total <> (SELECT max(ordinal) - min(ordinal) + 1 FROM chunks c WHERE c.artifact_id = a.id)
            OR chunks_total <> (SELECT count(*) FROM chunk_vectors v WHERE v.artifact_id = a.id))",
    );
    assert_eq!(wrong.await, 0, "artifacts with a chunk or a vector too many or too few");
    for (id, sentences) in &documents {
        let texts: Vec<String> = sqlx::query_scalar("SELECT text FROM chunks WHERE artifact_id = $1::uuid")
            .bind(id)
            .fetch_all(database.pool())
            .await
            .expect("chunks");
        let missing = sentences.iter().filter(|sentence| !texts.iter().any(|text| text.contains(*sentence)));
        assert_eq!(missing.count(), 0, "sentences of {id} are in no chunk");
    }
    let chunks = count(database, "SELECT count(*) FROM chunks").await;
    assert_eq!(count(database, "SELECT sum(chunks)::bigint FROM organization_totals").await, chunks);

    let seen = model.seen().await;
    let paid = count(database, "SELECT coalesce(sum(prompt_tokens), 0)::bigint FROM usage_days").await;
    let killed = world.kills.of_index();
    eprintln!(
        "{chunks} chunks; the model counted {} tokens, {paid} are in usage_days; {} instances of extract and {killed} of index killed",
        seen.tokens,
        world.kills.of_extract()
    );
    assert!(killed > 0 && world.kills.of_extract() > 0, "nothing was killed");
    assert!(
        seen.tokens.abs_diff(paid) <= killed * MAX_BATCH_TOKENS,
        "more than the batches in flight differ"
    );
}
