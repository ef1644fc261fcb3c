//! The passages that a model is given.

use std::{collections::HashSet, sync::Arc};

use shared::{
    ApiError,
    db::Tx,
    domain::{
        conversation::Retrieval,
        prompt::{self, Passage, Prompt},
    },
    retrieval::{self, QueryVector},
    store::{
        message_sources::{self, Source},
        search::{EXACT_UP_TO, Found, Search},
    },
};
use tracing::Instrument;
use uuid::Uuid;

use crate::{
    answer::{self, Answer},
    request::SourceMode,
};

/// The most passages for an answer.
const MAX_PASSAGES: i64 = 8;
/// Of a question, so many words are searched for.
const MAX_WORDS: usize = 50;

/// What the model is asked, and from what it may cite.
pub struct Given {
    pub prompt: Prompt,
    pub sources: Vec<Source>,
    pub retrieval: Retrieval,
}

/// Finds the passages and builds the prompt. A search that fails leaves the answer without sources.
///
/// The search is a task of its own: it settles what it has used also if the answer is cancelled.
pub async fn give(answer: &Arc<Answer>) -> Given {
    let (retrieval, found) = match answer.wanted.mode {
        SourceMode::None => (Retrieval::None, Vec::new()),
        SourceMode::Auto => {
            let searching = answer.state.tasks.spawn(find(Arc::clone(answer)).in_current_span());
            searching.await.unwrap_or((Retrieval::Unavailable, Vec::new()))
        }
    };
    let passages: Vec<_> = found
        .iter()
        .map(|found| Passage { name: &found.artifact_name, page: found.chunk.page, text: &found.chunk.text })
        .collect();
    let max_tokens = answer.state.app.config.models.chat_context_tokens.into();
    // 122 random bits.
    let nonce = Uuid::new_v4().simple().to_string();
    let earlier = answer::earlier(&answer.earlier);
    let prompt = prompt::build(&answer.question, &passages, &earlier, max_tokens, &nonce);
    let sources = found.into_iter().take(prompt.passages).zip(1..).map(|(found, n)| Source {
        n,
        artifact_id: Some(found.artifact_id),
        chunk_id: found.chunk.id,
        name: found.artifact_name,
        page: found.chunk.page,
        quote: Some(prompt::cut(&found.chunk.text).to_owned()),
    });
    let sources = sources.collect();
    Given { prompt, sources, retrieval }
}

/// Stores the sources of the answer.
pub async fn store(answer: &Answer, given: &Given) -> Result<(), ApiError> {
    let Given { sources, retrieval, .. } = given;
    let insert = async |tx: &mut Tx| {
        Ok(message_sources::insert(tx, answer.organization, answer.id, *retrieval, sources).await?)
    };
    answer.state.app.db.transaction(insert).await
}

async fn find(answer: Arc<Answer>) -> (Retrieval, Vec<Found>) {
    match search(&answer).await {
        Ok(found) => found,
        Err(ApiError::Failed(error)) => {
            tracing::error!(error = format!("{error:#}"), "sources not found");
            (Retrieval::Unavailable, Vec::new())
        }
        // The caller is no longer a member.
        Err(ApiError::Refused(_)) => (Retrieval::Unavailable, Vec::new()),
    }
}

async fn search(answer: &Answer) -> Result<(Retrieval, Vec<Found>), ApiError> {
    let Answer { state, member, organization, query, wanted, .. } = answer;
    let (app, models) = (&state.app, &state.app.config.models);
    let QueryVector { vector, bill, key } = if let Some(vector) = &query.vector {
        QueryVector::cached(vector.clone())
    } else {
        let key = query.key.clone();
        QueryVector::make(app, &state.embeddings, member, *organization, &query.text, key).await?
    };
    let vector = vector.ok();
    if let (Some(key), Some(vector)) = (&key, &vector) {
        retrieval::put(app, key, vector).await;
    }
    let words = any_word(&query.text);
    let search = Search {
        vector: vector.as_deref(),
        model: &models.embedding_model,
        dimensions: models.embedding_dimensions.cast_signed(),
        words: Some(&words),
        labels: wanted.labels.as_ref().map(AsRef::as_ref),
        artifacts: wanted.artifact_ids.as_ref().map(AsRef::as_ref),
        limit: MAX_PASSAGES,
        exact_up_to: EXACT_UP_TO,
    };
    let found = retrieval::find(app, member, *organization, &search, bill.as_ref()).await?;
    let retrieval = if vector.is_some() { Retrieval::Hybrid } else { Retrieval::KeywordOnly };
    Ok((retrieval, found))
}

/// Returns a search for any of the words of a question: a passage that answers it seldom has all of them.
fn any_word(question: &str) -> String {
    let words = question.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let mut seen = HashSet::new();
    // `or` joins the words.
    let words = words.map(str::to_lowercase).filter(|word| word != "or" && seen.insert(word.clone()));
    words.take(MAX_WORDS).collect::<Vec<_>>().join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_word_of_a_question_is_searched_for() {
        for (question, words) in [
            ("How long are backups kept?", "how or long or are or backups or kept"),
            ("\"a -b\" OR c, a!", "a or b or c"),
            ("größe 李雷", "größe or 李雷"),
            ("?!", ""),
        ] {
            assert_eq!(any_word(question), words);
        }
        let long = (0..100).map(|n| format!("w{n}")).collect::<Vec<_>>().join(" ");
        assert_eq!(any_word(&long).split(" or ").count(), MAX_WORDS);
    }
}
