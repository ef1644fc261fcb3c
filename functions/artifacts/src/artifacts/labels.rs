//! The labels of an artifact.

use std::collections::BTreeSet;

use serde::Deserialize;
use shared::{
    ApiError,
    db::Tx,
    domain::ids::{ArtifactId, LabelId, OrganizationId},
    store,
};
use uuid::Uuid;

use crate::refusals;

/// The most labels of an artifact.
const MAX_LABELS: usize = 20;

/// The labels in a request.
#[derive(Debug, Default, Deserialize)]
#[serde(try_from = "Vec<LabelId>")]
pub struct Labels(Vec<LabelId>);

impl TryFrom<Vec<LabelId>> for Labels {
    type Error = &'static str;

    fn try_from(labels: Vec<LabelId>) -> Result<Self, Self::Error> {
        if labels.len() > MAX_LABELS {
            return Err("an artifact has at most 20 labels");
        }
        let ids: BTreeSet<Uuid> = labels.into_iter().map(Uuid::from).collect();
        Ok(Self(ids.into_iter().map(LabelId).collect()))
    }
}

impl Labels {
    /// Gives the labels to an artifact that has none. Returns them. Refuses those that the organization does not have.
    pub async fn insert(
        &self,
        tx: &mut Tx,
        organization: OrganizationId,
        artifact: ArtifactId,
    ) -> Result<Vec<LabelId>, ApiError> {
        let Self(labels) = self;
        if !labels.is_empty() {
            let found = store::artifact_labels::insert(tx, organization, artifact, labels).await?;
            if found < labels.len() {
                return Err(refusals::UNKNOWN_LABEL.at("/labels"));
            }
        }
        Ok(labels.clone())
    }
}
