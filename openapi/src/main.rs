//! Prints the API's document; `cargo xtask generate` keeps it in `openapi.json`.

#[expect(clippy::print_stdout, reason = "that is what this command is for")]
fn main() -> Result<(), serde_json::Error> {
    println!("{}", serde_json::to_string_pretty(&openapi::document())?);
    Ok(())
}
