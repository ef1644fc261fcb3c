//! A function's routes, listed once: to serve them, and to describe them in `openapi.json`.

use std::convert::Infallible;

use axum::{
    Router,
    handler::Handler,
    routing::{MethodFilter, MethodRouter, on},
};
use utoipa::Path;
use utoipa_axum::{
    PathItemExt,
    router::{OpenApiRouter, UtoipaMethodRouter},
};

/// A collection of routes: axum's router, to serve them, or utoipa's, to describe them.
///
/// A deployed binary uses axum's and so contains no description, which would be built at every cold start
/// (`docs/performance.md`).
pub trait Routes<S>: Default {
    /// Adds the routes that [`routes!`](crate::routes) creates from handlers.
    #[must_use]
    fn routes(
        self,
        routes: (impl FnOnce(Router<S>) -> Router<S>, impl FnOnce() -> UtoipaMethodRouter<S>),
    ) -> Self;

    /// Adds routes without a description.
    #[must_use]
    fn merge(self, router: Router<S>) -> Self;
}

impl<S: Clone + Send + Sync + 'static> Routes<S> for Router<S> {
    fn routes(self, (serve, _): (impl FnOnce(Self) -> Self, impl FnOnce() -> UtoipaMethodRouter<S>)) -> Self {
        serve(self)
    }

    fn merge(self, router: Self) -> Self {
        self.merge(router)
    }
}

impl<S: Clone + Send + Sync + 'static> Routes<S> for OpenApiRouter<S> {
    fn routes(
        self,
        (_, describe): (impl FnOnce(Router<S>) -> Router<S>, impl FnOnce() -> UtoipaMethodRouter<S>),
    ) -> Self {
        self.routes(describe())
    }

    fn merge(self, router: Router<S>) -> Self {
        self.merge(Self::from(router))
    }
}

/// Adds `handler` at the path and for the method of its description `P`.
#[doc(hidden)]
pub fn serve<P: Path, H: Handler<T, S>, T: 'static, S: Clone + Send + Sync + 'static>(
    router: Router<S>,
    handler: H,
) -> Router<S> {
    let methods = P::methods().into_iter().map(|method| method.to_method_filter());
    let method = methods.reduce(MethodFilter::or).expect("a description has a method");
    let handler: MethodRouter<S, Infallible> = on(method, handler);
    router.route(&P::path(), handler)
}

/// Collects the handlers of one path for [`Routes::routes`]. Each handler needs a `#[utoipa::path]`.
#[macro_export]
macro_rules! routes {
    ($($($part:ident)::+),+) => {
        (
            |router| {
                $(let router = $crate::http::serve::<$crate::routes!(@described [] $($part)+), _, _, _>(
                    router, $($part)::+
                );)+
                router
            },
            || $crate::http::utoipa_axum::routes!($($($part)::+),+),
        )
    };
    // The name that `#[utoipa::path]` gives the description: the handler's path, with `__path_` before its name.
    (@described [$($module:ident)*] $handler:ident) => {
        $crate::http::utoipa_axum::paste! { $($module::)* [<__path_ $handler>] }
    };
    (@described [$($module:ident)*] $next:ident $($rest:ident)+) => {
        $crate::routes!(@described [$($module)* $next] $($rest)+)
    };
}
