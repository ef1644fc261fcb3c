use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::domain::{
    input::{Email, Name},
    patch::Patch,
    timestamp::Timestamp,
};

#[derive(Debug, PartialEq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Color {
    #[default]
    Red,
    Green,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Shape {
    Circle { radius: u8 },
    Label(String),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read from JSON only")]
struct Place {
    city: String,
    street: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[expect(dead_code, reason = "read from JSON only")]
struct Thing {
    name: Name,
    email: Email,
    #[serde(default, deserialize_with = "or_default")]
    color: Color,
    place: Option<Place>,
    #[serde(default)]
    image: Patch<String>,
    #[serde(default)]
    places: Patch<Vec<Place>>,
    shape: Option<Shape>,
    owner_id: Uuid,
    until: Option<Timestamp>,
    count: Option<u8>,
    #[serde(deserialize_with = "nullable")]
    note: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    #[serde(default, deserialize_with = "or_default")]
    limit: u8,
    #[serde(default, deserialize_with = "or_default")]
    offset: i32,
    #[serde(default, deserialize_with = "or_default")]
    deep: bool,
    #[expect(dead_code, reason = "read from a query only")]
    color: Option<Color>,
}

fn pointer(fault: &Fault) -> String {
    let step = |step: &Step| match step {
        Step::Member(name) => format!("/{name}"),
        Step::Element(index) => format!("/{index}"),
    };
    fault.path.iter().map(step).collect()
}

/// Returns the errors of a `Thing`, in the form `/email: this is missing`.
fn faults(body: &serde_json::Value) -> Vec<String> {
    faults_of(&body.to_string())
}

fn faults_of(body: &str) -> Vec<String> {
    match json::<Thing>(body.as_bytes()) {
        Ok(_) => Vec::new(),
        Err(Invalid::Malformed) => panic!("{body} is JSON"),
        Err(Invalid::Faults(faults)) => {
            faults.iter().map(|fault| format!("{}: {}", pointer(fault), fault.detail)).collect()
        }
    }
}

fn valid() -> serde_json::Value {
    json!({ "name": "Ada", "email": "ada@example.com", "ownerId": Uuid::nil(), "note": null })
}

fn with(member: &str, value: serde_json::Value) -> serde_json::Value {
    let mut body = valid();
    body[member] = value;
    body
}

#[test]
fn a_valid_body_is_read() {
    let thing = json::<Thing>(valid().to_string().as_bytes()).expect("a thing");
    assert_eq!((thing.color, thing.image, thing.count), (Color::Red, Patch::Keep, None));
    let body = with("color", json!("green")).to_string();
    assert_eq!(json::<Thing>(body.as_bytes()).expect("a thing").color, Color::Green);
    for (shape, expected) in [
        (json!({ "circle": { "radius": 3 } }), Shape::Circle { radius: 3 }),
        (json!({ "label": "x" }), Shape::Label("x".to_owned())),
    ] {
        let body = with("shape", shape).to_string();
        assert_eq!(json::<Thing>(body.as_bytes()).expect("a thing").shape, Some(expected));
    }
}

#[test]
fn an_array_is_no_object() {
    assert_eq!(faults(&json!([])), [": this must be an object"]);
    assert_eq!(faults(&json!(["Ada", "ada@example.com"])), [": this must be an object"]);
    assert_eq!(faults(&with("place", json!(["Rome", "Via"]))), ["/place: this must be an object"]);
    assert_eq!(faults(&with("places", json!([["Rome", "Via"]]))), ["/places/0: this must be an object"]);
    assert_eq!(faults(&with("shape", json!({ "circle": [3] }))), ["/shape/circle: this must be an object"]);
    assert_eq!(
        faults(&with("color", json!({ "green": null }))),
        ["/color: this must be one of `red`, `green`"],
        "an object is no string"
    );
}

#[test]
fn every_invalid_unknown_and_missing_member_is_reported() {
    let body = json!({ "email": "ada", "other": 1, "color": null, "image": [], "shape": {}, "count": 256 });
    assert_eq!(
        faults(&body),
        [
            "/color: this must not be null",
            "/count: this must be an integer from 0 to 255",
            "/email: this must be an e-mail address such as ada@example.com",
            "/image: this must be a string",
            "/other: this name is unknown here",
            "/shape: this must be one of `circle`, `label`",
            "/name: this is missing",
            "/ownerId: this is missing",
            "/note: this is missing",
        ]
    );
    assert_eq!(
        faults(&json!({})),
        ["/name", "/email", "/ownerId", "/note"].map(|member| format!("{member}: this is missing"))
    );
}

#[test]
fn errors_inside_of_members_are_reported_too() {
    let mut body = with("place", json!({ "street": 1, "zip": "00100" }));
    body["places"] = json!([{ "city": "Rome", "street": "Via" }, { "city": 1 }, 5, {}]);
    body["count"] = json!("1");
    assert_eq!(
        faults(&body),
        [
            "/count: this must be an integer from 0 to 255",
            "/place/street: this must be a string",
            "/place/zip: this name is unknown here",
            "/place/city: this is missing",
            "/places/1/city: this must be a string",
            "/places/1/street: this is missing",
            "/places/2: this must be an object",
            "/places/3/city: this is missing",
            "/places/3/street: this is missing",
        ]
    );
}

#[test]
fn a_repeated_member_is_reported_beside_others() {
    let body = r#"{"name":"Ada","name":"Eve","email":"a","email":"b","ownerId":null,"note":1}"#;
    assert_eq!(
        faults_of(body),
        [
            "/name: this is given more than once",
            "/email: this must be an e-mail address such as ada@example.com",
            "/ownerId: this must be a string",
            "/note: this must be a string",
        ]
    );
}

#[test]
fn at_most_32_errors_are_searched() {
    let members: BTreeMap<_, _> = (0..5000).map(|number| (format!("m{number}"), number)).collect();
    assert_eq!(faults(&json!(members)).len(), MAX_FAULTS);
}

#[test]
fn an_error_never_repeats_the_value() {
    let canary = "canary-5e1f";
    let mut values =
        vec![json!(canary), json!([canary]), json!({ canary: canary }), json!([[{ canary: 1 }]])];
    values.extend(["canary-5e1f@", "ada@canary-5e1f", "canary-5e1f://"].map(|text| json!(text)));
    for member in ["name", "email", "color", "place", "places", "shape", "ownerId", "until", "count"] {
        for value in &values {
            if let Err(Invalid::Faults(faults)) =
                json::<Thing>(with(member, value.clone()).to_string().as_bytes())
            {
                assert!(faults.iter().all(|fault| !fault.detail.contains("canary")), "{faults:?}");
            }
        }
    }
}

#[test]
fn a_refused_member_hides_no_other_and_implies_none() {
    // A list without its wrong elements could be too short, and an object without its wrong member is not complete.
    #[derive(Debug, Deserialize)]
    #[serde(try_from = "Vec<u8>")]
    struct Pair;
    impl TryFrom<Vec<u8>> for Pair {
        type Error = &'static str;
        fn try_from(numbers: Vec<u8>) -> Result<Self, Self::Error> {
            if numbers.len() == 2 { Ok(Self) } else { Err("this must have two numbers") }
        }
    }
    let faults = |body: &str| match json::<Pair>(body.as_bytes()) {
        Err(Invalid::Faults(faults)) => faults.iter().map(pointer).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(faults("[1, 2, 3]"), [""]);
    assert_eq!(faults("[1, -2, null]"), ["/1", "/2"]);
}

#[test]
fn json_that_is_broken_or_too_deep_is_malformed() {
    for body in ["", "{", "{\"a\":1}x", "\u{feff}{}", "{\"a\":1e999}", &"[".repeat(200)] {
        assert!(matches!(json::<Thing>(body.as_bytes()), Err(Invalid::Malformed)), "{body}");
    }
    for (depth, malformed) in [(127, false), (128, true), (32_000, true)] {
        let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let error = json::<Thing>(deep.as_bytes()).expect_err("no object");
        assert_eq!(matches!(error, Invalid::Malformed), malformed, "{depth}");
    }
}

#[test]
fn a_number_in_a_query_has_one_spelling() {
    let query = |name: &str, value: &str| parameters::<Query>([(name.to_owned(), value.to_owned())]);
    assert_eq!(query("limit", "5").expect("5").limit, 5);
    assert_eq!(query("limit", "0").expect("0").limit, 0);
    assert_eq!(query("offset", "-7").expect("-7").offset, -7);
    assert!(query("deep", "true").expect("true").deep);
    for value in ["+5", "05", "00", "-0", " 5", "5 ", "5.0", "5e0", "0x5", "٥", "", "-1", "256"] {
        let faults = query("limit", value).expect_err(value);
        assert_eq!(faults[0].detail, "this must be an integer from 0 to 255", "{value}");
    }
    for value in ["1", "True", "yes", ""] {
        assert_eq!(query("deep", value).expect_err(value)[0].detail, "this must be true or false");
    }
}

#[test]
fn every_invalid_parameter_is_reported() {
    let query = [("color", "blue"), ("limit", "x"), ("color", "red"), ("size", "1"), ("deep", "1")];
    let query = query.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let faults = parameters::<Query>(query).expect_err("an error");
    let names: Vec<_> = faults.iter().map(pointer).collect();
    assert_eq!(names, ["/color", "/limit", "/size", "/deep"]);
}
