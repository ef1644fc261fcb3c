//! The subscriptions of `observe`, and the mutations that show that the rule notices.

use serde_json::json;

use crate::{assert_no_problems, deployed::assert_noticed, rules, template};

#[test]
fn log_of_every_function_reaches_observe() {
    assert_no_problems(&rules::observes_every_log(&template()));
}

#[test]
fn function_that_is_not_observed_is_noticed() {
    let observe = "/Resources/Observe/Properties";
    let event = format!("{observe}/Events/LinesOfAuth");
    let own = json!({ "Ref": "ObserveLogs" });
    for (broken, about) in [
        (template().without(&event), "Auth: "),
        (template().with(&format!("{event}/Properties/FilterPattern"), json!("ERROR")), "Auth: "),
        (template().with(&format!("{event}/Properties/LogGroupName"), own), "Observe: its own log"),
        (
            template().with(&format!("{observe}/VpcConfig"), json!({ "SubnetIds": [] })),
            "Observe: it is in the VPC",
        ),
        (
            template().without(&format!("{observe}/Environment/Variables/TRACING_ENABLED")),
            "Observe: it writes spans",
        ),
        (template().without("/Resources/Observe"), "no function Observe"),
    ] {
        assert_noticed(rules::observes_every_log, &broken, about);
    }
}
