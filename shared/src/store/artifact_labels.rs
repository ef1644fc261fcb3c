//! The `artifact_labels` table.

use crate::{
    db::Tx,
    domain::ids::{ArtifactId, LabelId, OrganizationId},
};

/// Gives `labels` to an artifact. Returns how many of them the organization has.
pub async fn insert(
    tx: &mut Tx,
    organization: OrganizationId,
    artifact: ArtifactId,
    labels: &[LabelId],
) -> sqlx::Result<usize> {
    let result = sqlx::query!(
        r#"
        INSERT INTO artifact_labels (artifact_id, label_id, organization_id)
        SELECT $2, id, organization_id FROM labels WHERE organization_id = $1 AND id = ANY($3)
        "#,
        organization as OrganizationId,
        artifact as ArtifactId,
        labels as &[LabelId],
    )
    .execute(tx)
    .await?;
    Ok(result.rows_affected().try_into().unwrap_or(usize::MAX))
}

/// Takes all labels from an artifact.
pub async fn delete_all(tx: &mut Tx, organization: OrganizationId, artifact: ArtifactId) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM artifact_labels WHERE organization_id = $1 AND artifact_id = $2",
        organization as OrganizationId,
        artifact as ArtifactId,
    )
    .execute(tx)
    .await
    .map(drop)
}
