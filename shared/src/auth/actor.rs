//! The actor: the user, API key or anonymous sender for whom a handler works.

use crate::{
    ApiError,
    db::{Db, Tx},
};

/// The sender of a request, for idempotency keys and transactions.
pub trait Actor {
    /// Returns the owner of idempotency keys: two actors may choose the same key.
    fn name(&self) -> String;

    /// Runs `work` in the transaction that the authorization began, or in a new one.
    ///
    /// `work` may run again ([`Db::transaction`]), so it has no effects outside the transaction.
    fn transaction<T>(
        &self,
        work: impl AsyncFnOnce(&mut Tx) -> Result<T, ApiError> + Clone,
    ) -> impl Future<Output = Result<T, ApiError>>;

    /// [`Self::transaction`] for `work` that is one statement and changes nothing: it ends with that statement.
    fn read<T>(
        &self,
        work: impl AsyncFnOnce(&mut Tx) -> Result<T, ApiError> + Clone,
    ) -> impl Future<Output = Result<T, ApiError>> {
        self.transaction(async move |tx: &mut Tx| work(tx.last_read()).await)
    }
}

/// The sender of a request without a session.
pub struct Guest<'a> {
    pub db: &'a Db,
    pub name: String,
}

impl Actor for Guest<'_> {
    fn name(&self) -> String {
        self.name.clone()
    }

    async fn transaction<T>(
        &self,
        work: impl AsyncFnOnce(&mut Tx) -> Result<T, ApiError> + Clone,
    ) -> Result<T, ApiError> {
        self.db.transaction(work).await
    }
}
