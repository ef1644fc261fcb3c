//! Responses of other servers, byte by byte as they came (November 2026): llama.cpp with the model `SmolLM2` (`xllamacpp` 2026.10.11549), and
//! the mocks `@copilotkit/aimock` 1.43.0 and `@dwmkerr/mock-llm` 0.1.29.
//!
//! `cargo xtask trial models` asks the same servers.

use super::*;

async fn replay(response: &[u8]) -> Result<Got, ChatError> {
    let script = vec![Step::Write(response.to_vec())];
    read(&Server::start(vec![script.clone(), script]).await.models()).await
}

#[tokio::test]
async fn answers_are_read() {
    for (response, text, finish, usage) in [
        // Its first event has no content, and a chunk of HTTP may have several events.
        (
            include_bytes!("http/llama-cpp.http").as_slice(),
            "I'm sorry for any misinterpretation. I'm a helpful",
            Finish::Length,
            Some((38, 12)),
        ),
        (include_bytes!("http/aimock.http"), "Hi there! Größe 😀.", Finish::Stop, Some((2, 5))),
        // Cuts a text between the halves of a character.
        (include_bytes!("http/aimock-surrogates.http"), "abcd😀efg 😀", Finish::Stop, Some((2, 3))),
        // Thoughts come before the role.
        (include_bytes!("http/aimock-reasoning.http"), "Answer.", Finish::Stop, Some((2, 2))),
        // A tool, although none was offered.
        (include_bytes!("http/aimock-tool.http"), "", Finish::Stop, Some((1, 1))),
        // Text and reason in one event; no usage.
        (include_bytes!("http/mock-llm.http"), "Hi there! Größe 😀.", Finish::Stop, None),
    ] {
        let got = replay(response).await.expect("an accepted question");
        assert_eq!((got.text.as_str(), got.end.expect("an end")), (text, finish));
        assert_eq!(got.usage, usage.map(|(prompt, completion)| TokenCounts { prompt, completion }), "{text}");
    }
}

#[tokio::test]
async fn cut_answer_keeps_its_text() {
    let got = replay(include_bytes!("http/aimock-cut.http")).await.expect("an accepted question");
    assert!(matches!(got.end, Err(ChatError::Cut)), "{got:?}");
    assert_eq!(got.text, "one two th");
}

#[tokio::test]
async fn refusals_have_their_errors() {
    for (response, expected) in [
        // The code is a number, the status again.
        (
            include_bytes!("http/llama-cpp-too-long.http").as_slice(),
            "model rejected the request: status 400, exceed_context_size_error",
        ),
        (include_bytes!("http/aimock-429.http"), "model throttled"),
    ] {
        assert_eq!(replay(response).await.expect_err(expected).to_string(), expected);
    }
}
