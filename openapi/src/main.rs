//! Prints the OpenAPI document. `cargo xtask generate` writes it to `openapi.json`.

#[expect(clippy::print_stdout, reason = "prints its result")]
fn main() -> Result<(), serde_json::Error> {
    println!("{}", serde_json::to_string_pretty(&openapi::document())?);
    Ok(())
}
