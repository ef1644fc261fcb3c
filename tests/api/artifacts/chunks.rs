use harness::TestApp;
use serde_json::{Value, json};

use super::{add_chunks, create, text};

#[tokio::test]
async fn a_passage_is_a_chunk_with_its_neighbours() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let (path, other) = (create(&ada, &team, text("One")).await, create(&ada, &team, text("Two")).await);
    let texts: Vec<_> = (0..20).map(|n| format!("Text {n}")).collect();
    add_chunks(&app, &path, &texts.iter().map(String::as_str).collect::<Vec<_>>()).await;
    add_chunks(&app, &other, &["Other"]).await;
    let passage = async |around: &str| ada.client.get(&format!("{path}/chunks?around={around}")).await;
    let ordinals = |passage: &Value| {
        let chunks = passage["chunks"].as_array().expect("chunks").iter();
        chunks.map(|chunk| chunk["ordinal"].as_i64().expect("an ordinal")).collect::<Vec<_>>()
    };

    for query in ["?around=", "?around=-1", "?around=x", "?around=1.5", "?around=1&limit=3"] {
        ada.client.get(&format!("{path}/chunks{query}")).await.refused(422, "invalid-query");
    }
    let beginning = ada.client.get(&format!("{path}/chunks")).await.ok(200);
    assert_eq!(ordinals(&beginning.body["data"]), (0..=5).collect::<Vec<_>>());
    passage("20").await.refused(404, "chunk-not-found");
    let foreign = ada.client.get(&format!("{other}/chunks?around=0")).await.ok(200);
    passage(foreign.text("/data/chunks/0/id")).await.refused(404, "chunk-not-found");

    let middle = passage("10").await.ok(200);
    assert_eq!(ordinals(&middle.body["data"]), (5..=15).collect::<Vec<_>>());
    assert_eq!((&middle.body["data"]["around"], &middle.body["data"]["total"]), (&json!(10), &json!(20)));
    let by_id = passage(middle.text("/data/chunks/5/id")).await.ok(200);
    assert_eq!(by_id.body["data"], middle.body["data"]);
    assert_eq!(ordinals(&passage("1").await.ok(200).body["data"]), (0..=6).collect::<Vec<_>>());
    let chunk = &middle.body["data"]["chunks"][0];
    assert_eq!(
        (&chunk["text"], &chunk["page"], &chunk["heading"]),
        (&json!("Text 5"), &json!(1), &json!("Heading"))
    );
    assert_eq!((&chunk["start"], &chunk["end"]), (&json!(0), &json!(9)));
    ada.client.delete(&path).await.ok(204);
    passage("1").await.refused(404, "artifact-not-found");
}
