//! The whole export of the data that is stored about a user (GDPR, articles 15 and 20): one file in storage, of any size.
//!
//! It is written in pieces, so that an instance needs the same memory for every user. Each piece is a transaction of its own: none is open
//! while storage is slow, and the export is no snapshot.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::json;
use tokio::time::timeout;

use crate::{
    ApiError,
    aws::s3::{Bucket, CompletedPart, Upload},
    db::Db,
    domain::{
        audit::OwnAuditFilter,
        page::{PageQuery, Position},
        personal_data::{TABLES, Table},
    },
    error::Unavailable,
    store::{self, personal_data::Whose, users::User},
};

/// A part of the object. S3 takes no smaller ones, except the last.
const PART_BYTES: usize = 8 * 1024 * 1024;

/// Writes everything that is stored about `user`, without secrets, into the new object `key`: a JSON document with one record per table,
/// as [`super::export::Export`] with all rows. Returns whether `time` was enough. Without a complete object, its parts are deleted.
pub async fn write(
    db: &Db,
    bucket: &Bucket,
    key: &str,
    user: &User,
    exported_at: DateTime<Utc>,
    time: Duration,
) -> Result<bool, ApiError> {
    let mut object = Object { bucket, key, buffer: Vec::new(), upload: None, parts: Vec::new() };
    let work = async {
        write_document(db, &mut object, user, exported_at).await?;
        Ok::<_, ApiError>(object.finish().await?)
    };
    let written = timeout(time, work).await;
    if !matches!(written, Ok(Ok(()))) {
        object.abort().await;
    }
    written.map_or(Ok(false), |written| written.map(|()| true))
}

async fn write_document(
    db: &Db,
    object: &mut Object<'_>,
    user: &User,
    exported_at: DateTime<Utc>,
) -> Result<(), ApiError> {
    let whose = db.transaction(async |tx| Ok(Whose::of(tx, user).await?)).await?;
    let head = json!({ "exportedAt": exported_at, "userId": user.id }).to_string();
    object.write(head.trim_end_matches('}')).await?;
    object.write(",\"records\":[").await?;
    let mut comma = "";
    for table in TABLES.iter().filter(|table| table.whose.is_some()) {
        let record = json!({
            "table": table.name, "purposes": table.purposes(), "retention": table.retention, "complete": true,
        });
        object.write(comma).await?;
        object.write(record.to_string().trim_end_matches('}')).await?;
        object.write(",\"rows\":[").await?;
        if table.paged_at().is_some() {
            write_events(db, object, user).await?;
        } else {
            write_rows(db, object, table, &whose).await?;
        }
        object.write("]}").await?;
        comma = ",\n";
    }
    Ok(object.write("]}\n").await?)
}

/// Writes the rows of the user in `table`.
async fn write_rows(db: &Db, object: &mut Object<'_>, table: &Table, whose: &Whose) -> Result<(), ApiError> {
    let (mut after, mut comma) = (None::<String>, "");
    loop {
        let read =
            db.read(async |tx| Ok(store::personal_data::rows(tx, table, whose, after.as_deref()).await?));
        let rows = read.await?;
        let is_last = rows.len() < store::personal_data::PAGE_ROWS;
        after = rows.last().map(|(key, _)| key.clone());
        for (_, row) in rows {
            object.write(comma).await?;
            object.write(&row.to_string()).await?;
            comma = ",\n";
        }
        if is_last {
            return Ok(());
        }
    }
}

/// Writes the events that the user caused, and those about the user, without what identifies others.
async fn write_events(db: &Db, object: &mut Object<'_>, user: &User) -> Result<(), ApiError> {
    let (filter, mut after, mut comma) = (OwnAuditFilter::default(), None, "");
    loop {
        let page = PageQuery::longest(after);
        let events = db.read(async |tx| Ok(store::audit_events::list_of(tx, user.id, &page, &filter).await?));
        let events = events.await?;
        let is_last = i64::try_from(events.len())? < page.rows();
        after = events.last().map(|last| Position { at: last.occurred_at, id: last.id.0 });
        for event in events {
            object.write(comma).await?;
            object.write(&serde_json::to_string(&event.shown_to(user.id))?).await?;
            comma = ",\n";
        }
        if is_last {
            return Ok(());
        }
    }
}

/// An object that is written in parts.
struct Object<'a> {
    bucket: &'a Bucket,
    key: &'a str,
    buffer: Vec<u8>,
    /// Begins with the first full part.
    upload: Option<Upload<'a>>,
    parts: Vec<CompletedPart>,
}

impl Object<'_> {
    async fn write(&mut self, text: &str) -> Result<(), Unavailable> {
        self.buffer.extend_from_slice(text.as_bytes());
        if self.buffer.len() >= PART_BYTES { self.write_part().await } else { Ok(()) }
    }

    async fn write_part(&mut self) -> Result<(), Unavailable> {
        let upload = match &self.upload {
            Some(upload) => upload,
            None => self.upload.insert(self.bucket.upload(self.key).await?),
        };
        let number = i32::try_from(self.parts.len()).unwrap_or(i32::MAX).saturating_add(1);
        self.parts.push(upload.part(number, std::mem::take(&mut self.buffer)).await?);
        Ok(())
    }

    async fn finish(&mut self) -> Result<(), Unavailable> {
        if self.upload.is_some() && !self.buffer.is_empty() {
            self.write_part().await?;
        }
        match &self.upload {
            Some(upload) => upload.complete(std::mem::take(&mut self.parts)).await,
            None => self.bucket.put_new(self.key, std::mem::take(&mut self.buffer)).await,
        }
    }

    /// Deletes the parts. Those that stay are deleted by the lifecycle of the bucket.
    async fn abort(&self) {
        if let Some(upload) = &self.upload
            && let Err(error) = upload.abort().await
        {
            tracing::warn!(error = %error, "parts of an export not deleted");
        }
    }
}
