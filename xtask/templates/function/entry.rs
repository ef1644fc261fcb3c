
    ApiFunction {
        name: "%kebab%",
        about: "%Pascal%.",
        describe: || %snake%::routes::<OpenApiRouter<_>>().into_openapi(),
        serve: |state| http::service(%snake%::routes(), %Pascal%State::new(state.app.clone())),
    },
