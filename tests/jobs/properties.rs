//! What `pg_dump` does not copy: the properties of the database itself, and comments.

use harness::Database;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use crate::{
    backup_store::BackupStore,
    databases::{drop_database, execute, text, unused_name},
};

/// Everything that belongs to the database itself, and the comments on what is in it.
const PROPERTIES: &str = "
    SELECT concat_ws(E'\\n', pg_encoding_to_char(encoding), datlocprovider, datcollate, datctype, 'locale ' || datlocale,
           'rules ' || daticurules, datconnlimit, datallowconn, shobj_description(oid, 'pg_database'),
           (SELECT string_agg(item::text, ' ' ORDER BY item::text) FROM unnest(datacl) AS acl (item)),
           (SELECT string_agg(concat_ws(' ', r.rolname, setting), ' ' ORDER BY r.rolname, setting)
            FROM pg_db_role_setting LEFT JOIN pg_roles r ON r.oid = setrole, unnest(setconfig) AS setting WHERE setdatabase = d.oid),
           obj_description('users'::regclass, 'pg_class'), col_description('users'::regclass, 1),
           current_setting('search_path'), current_setting('work_mem'), current_setting('app.title'))
    FROM pg_database d WHERE datname = current_database()";

async fn properties(url: &str) -> String {
    let mut connection = PgConnection::connect(url).await.expect("a connection");
    let properties = text(&mut connection, PROPERTIES).await;
    connection.close().await.expect("a clean end");
    properties
}

/// Sets every property of the database `name`. Other roles than `reader` and the one that makes backups may not connect.
async fn set_all(url: &str, name: &str, reader: &str) {
    let mut connection = PgConnection::connect(url).await.expect("a connection");
    for statement in [
        format!("ALTER DATABASE {name} CONNECTION LIMIT 42"),
        format!("COMMENT ON DATABASE {name} IS 'Ada''s \\ notes'"),
        format!("REVOKE CONNECT, TEMPORARY ON DATABASE {name} FROM PUBLIC"),
        format!("GRANT CONNECT ON DATABASE {name} TO arches_backup"),
        format!("GRANT CONNECT ON DATABASE {name} TO {reader} WITH GRANT OPTION"),
        format!("GRANT CREATE, TEMPORARY ON DATABASE {name} TO {reader}"),
        format!("ALTER DATABASE {name} SET search_path TO \"$user\", public, 'an \"odd\", name'"),
        format!("ALTER DATABASE {name} SET work_mem TO '7MB'"),
        format!("ALTER DATABASE {name} SET app.title TO 'it''s = \\ \"x\", y'"),
        format!("ALTER ROLE {reader} IN DATABASE {name} SET statement_timeout TO '5s'"),
        "COMMENT ON TABLE public.users IS 'people'".to_owned(),
        "COMMENT ON COLUMN public.users.id IS 'a UUID'".to_owned(),
    ] {
        execute(&mut connection, &statement).await;
    }
    connection.close().await.expect("a clean end");
}

#[tokio::test]
async fn restored_database_has_encoding_locale_settings_rights_and_comments_of_the_original() {
    let server = Database::create_empty().await;
    for options in [
        "ENCODING 'UTF8' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LC_COLLATE 'C' LC_CTYPE 'C'",
        "ENCODING 'LATIN1' LOCALE_PROVIDER libc LC_COLLATE 'POSIX' LC_CTYPE 'C'",
    ] {
        let original = Database::create_with(options).await;
        let reader = format!("reader_{}", Uuid::new_v4().simple());
        execute_on(&server, &format!("CREATE ROLE {reader} NOLOGIN")).await;
        set_all(&original.owner_url(), original.name(), &reader).await;
        let expected = properties(&original.owner_url()).await;
        for part in
            ["42", "notes", &format!("{reader}=CTc*/"), "statement_timeout=5s", "people", "a UUID", "7MB"]
        {
            assert!(expected.contains(part), "{part}: {expected}");
        }
        let store = BackupStore::new(&original).await;
        store.back_up().await;
        store.drill().await.expect("a drill");

        // The database is lost, and the role with it.
        drop(original);
        execute_on(&server, &format!("DROP ROLE {reader}")).await;
        let name = unused_name();
        store.restore(&store.url_of(&name)).await.expect("restored");
        assert_eq!(properties(&store.url_of(&name)).await, expected);
        drop_database(&server, &name).await;
        execute_on(&server, &format!("DROP ROLE {reader}")).await;
    }
}

async fn execute_on(server: &Database, statement: &str) {
    let mut connection = PgConnection::connect(&server.owner_url()).await.expect("a connection");
    execute(&mut connection, statement).await;
    connection.close().await.expect("a clean end");
}

#[tokio::test]
async fn drill_that_would_lose_a_property_fails() {
    let database = Database::create().await;
    let store = BackupStore::new(&database).await;
    let manifest = store.back_up().await;
    let key = format!("{}/manifest.json", manifest["id"].as_str().expect("an id"));
    let setting = |name: &str, value: &str| json!([{ "role": null, "name": name, "value": value }]);
    for (pointer, value, reason) in [
        ("/database/localeProvider", json!("klingon"), "not created with the encoding and the locale"),
        ("/database/encoding", json!("KLINGON"), "not created with the encoding and the locale"),
        ("/database/settings", setting("no_such_parameter", "1"), "no_such_parameter"),
        // PostgreSQL stores it in another form.
        (
            "/database/settings",
            setting("search_path", "public,  x"),
            "the setting search_path = \"public,  x\" is missing",
        ),
        (
            "/database/grants",
            json!([{ "role": null, "privilege": "DROP", "grantable": false }]),
            "cannot be read",
        ),
        (
            "/contents/comments",
            json!({ "table public.users": "lost" }),
            "the comment on table public.users is missing",
        ),
    ] {
        let mut lying: Value = manifest.clone();
        *lying.pointer_mut(pointer).expect("a member") = value;
        store.write(&key, lying.to_string().into_bytes()).await;
        let error = store.drill().await.expect_err(reason);
        assert!(error.contains(reason), "{reason}: {error}");
    }
    assert!(store.objects().await.iter().all(|key| !key.ends_with("verified.json")));
    store.write(&key, manifest.to_string().into_bytes()).await;
    store.drill().await.expect("nothing is lost");
}
