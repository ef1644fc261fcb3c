//! The properties of a database that `pg_dump` leaves out: they belong to the database itself, not to what is in it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::database::{literal, quote};

/// The settings whose value is a list. `SET` takes its elements one by one (`variable_is_guc_list_quote` in PostgreSQL's source,
/// `src/bin/pg_dump/dumputils.c`).
const LISTS: [&str; 6] = [
    "local_preload_libraries",
    "search_path",
    "session_preload_libraries",
    "shared_preload_libraries",
    "temp_tablespaces",
    "unix_socket_directories",
];

/// The properties of a database.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DatabaseProperties {
    /// Not restored: the role that restores owns the copy.
    pub owner: String,
    pub encoding: String,
    /// `builtin`, `icu` or `libc`.
    pub locale_provider: String,
    /// `LC_COLLATE`.
    pub collation: String,
    /// `LC_CTYPE`.
    pub character_type: String,
    /// The locale of the provider, if it is not `libc`.
    pub locale: Option<String>,
    pub icu_rules: Option<String>,
    /// -1 means no limit.
    pub connection_limit: i32,
    pub comment: Option<String>,
    /// What `ALTER DATABASE … SET` and `ALTER ROLE … IN DATABASE … SET` have set.
    pub settings: BTreeSet<DatabaseSetting>,
    /// The rights of others than the owner.
    pub grants: BTreeSet<DatabaseGrant>,
}

/// The default of a parameter in a database.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DatabaseSetting {
    /// For this role only; `None` means all roles.
    pub role: Option<String>,
    pub name: String,
    pub value: String,
}

/// A right on a database.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DatabaseGrant {
    /// `None` means `PUBLIC`, every role.
    pub role: Option<String>,
    pub privilege: DatabasePrivilege,
    /// Whether the role may grant it to others.
    pub grantable: bool,
}

/// A privilege on a database (PostgreSQL manual, 5.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum DatabasePrivilege {
    Connect,
    Create,
    Temporary,
}

impl DatabasePrivilege {
    pub(super) fn parse(text: &str) -> sqlx::Result<Self> {
        match text {
            "CONNECT" => Ok(Self::Connect),
            "CREATE" => Ok(Self::Create),
            "TEMPORARY" => Ok(Self::Temporary),
            other => Err(sqlx::Error::Decode(format!("unknown privilege on a database: {other}").into())),
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "CONNECT",
            Self::Create => "CREATE",
            Self::Temporary => "TEMPORARY",
        }
    }
}

impl DatabaseProperties {
    /// Returns the roles that the properties name. Roles belong to a server, so another server may not have them.
    pub fn roles(&self) -> impl Iterator<Item = &String> {
        let of_settings = self.settings.iter().filter_map(|setting| setting.role.as_ref());
        of_settings.chain(self.grants.iter().filter_map(|grant| grant.role.as_ref()))
    }

    /// Returns the statement that creates an empty database with this encoding and locale, to which no one can connect.
    pub(super) fn create_statement(&self, name: &str) -> sqlx::Result<String> {
        let name = quote(name)?;
        let [encoding, provider, collation, character_type] =
            [&self.encoding, &self.locale_provider, &self.collation, &self.character_type]
                .map(|text| literal(text));
        let of_provider = if self.locale_provider == "builtin" { "BUILTIN_LOCALE" } else { "ICU_LOCALE" };
        let option = |name: &str, value: &Option<String>| {
            value.as_ref().map(|value| format!(" {name} {}", literal(value))).unwrap_or_default()
        };
        Ok(format!(
            "CREATE DATABASE {name} TEMPLATE template0 ALLOW_CONNECTIONS false ENCODING {encoding} \
             LOCALE_PROVIDER {provider} LC_COLLATE {collation} LC_CTYPE {character_type}{}{}",
            option(of_provider, &self.locale),
            option("ICU_RULES", &self.icu_rules)
        ))
    }

    /// Returns the statements that give the database `name` the other properties.
    pub(super) fn apply_statements(&self, name: &str) -> sqlx::Result<Vec<String>> {
        let database = quote(name)?;
        let mut statements =
            vec![format!("ALTER DATABASE {database} CONNECTION LIMIT {}", self.connection_limit)];
        if let Some(comment) = &self.comment {
            statements.push(format!("COMMENT ON DATABASE {database} IS {}", literal(comment)));
        }
        for DatabaseGrant { role, privilege, grantable } in &self.grants {
            let role = role.as_deref().map_or_else(|| Ok("PUBLIC".to_owned()), quote)?;
            let option = if *grantable { " WITH GRANT OPTION" } else { "" };
            statements.push(format!("GRANT {} ON DATABASE {database} TO {role}{option}", privilege.as_str()));
        }
        for setting in &self.settings {
            statements.push(setting.statement(name)?);
        }
        Ok(statements)
    }

    /// Returns the differences of `copy`; empty if it has the same properties.
    #[must_use]
    pub fn missing_in(&self, copy: &Self) -> Vec<String> {
        let mut missing = Vec::new();
        let mut compare = |what: &str, own: &dyn std::fmt::Debug, copied: &dyn std::fmt::Debug| {
            let (own, copied) = (format!("{own:?}"), format!("{copied:?}"));
            if own != copied {
                missing.push(format!("the {what} is {copied} instead of {own}"));
            }
        };
        compare("encoding", &self.encoding, &copy.encoding);
        compare("locale provider", &self.locale_provider, &copy.locale_provider);
        compare("collation", &self.collation, &copy.collation);
        compare("character type", &self.character_type, &copy.character_type);
        compare("locale", &self.locale, &copy.locale);
        compare("list of ICU rules", &self.icu_rules, &copy.icu_rules);
        compare("connection limit", &self.connection_limit, &copy.connection_limit);
        compare("comment on the database", &self.comment, &copy.comment);
        // An owner has all rights, so a grant to it is not listed.
        let others = |grant: &&DatabaseGrant| {
            grant.role.is_none() || ![&self.owner, &copy.owner].map(Some).contains(&grant.role.as_ref())
        };
        let [own, copied] = [self, copy].map(|one| one.grants.iter().filter(others).collect::<BTreeSet<_>>());
        missing.extend(own.difference(&copied).map(|grant| format!("{} is missing", grant.describe())));
        missing
            .extend(copied.difference(&own).map(|grant| format!("{} should not be there", grant.describe())));
        let (own, copied) = (&self.settings, &copy.settings);
        missing.extend(own.difference(copied).map(|setting| format!("{} is missing", setting.describe())));
        missing.extend(
            copied.difference(own).map(|setting| format!("{} should not be there", setting.describe())),
        );
        missing
    }
}

impl DatabaseGrant {
    fn describe(&self) -> String {
        let option = if self.grantable { " with grant option" } else { "" };
        format!("{} for {}{option}", self.privilege.as_str(), self.role.as_deref().unwrap_or("PUBLIC"))
    }
}

impl DatabaseSetting {
    fn describe(&self) -> String {
        let role = self.role.as_ref().map(|role| format!(" of {role}")).unwrap_or_default();
        format!("the setting {} = {:?}{role}", self.name, self.value)
    }

    /// Returns the statement that sets it in the database `database`.
    fn statement(&self, database: &str) -> sqlx::Result<String> {
        let whose = match &self.role {
            None => format!("DATABASE {}", quote(database)?),
            Some(role) => format!("ROLE {} IN DATABASE {}", quote(role)?, quote(database)?),
        };
        let name = self.name.split('.').map(quote).collect::<sqlx::Result<Vec<_>>>()?.join(".");
        let value = if LISTS.contains(&self.name.to_lowercase().as_str()) {
            elements(&self.value).iter().map(|element| literal(element)).collect::<Vec<_>>().join(", ")
        } else {
            literal(&self.value)
        };
        Ok(format!("ALTER {whose} SET {name} TO {value}"))
    }
}

/// Splits a list as PostgreSQL stores it: elements in double quotes where they need them, separated by commas.
fn elements(list: &str) -> Vec<String> {
    let (mut elements, mut element, mut quoted) = (Vec::new(), String::new(), false);
    let mut characters = list.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.next_if_eq(&'"').is_some() => element.push('"'),
            '"' => quoted = !quoted,
            ',' if !quoted => elements.push(std::mem::take(&mut element)),
            ' ' if !quoted => {}
            other => element.push(other),
        }
    }
    elements.push(element);
    elements
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_is_split_as_postgresql_stores_it() {
        for (stored, expected) in [
            ("public", vec!["public"]),
            (r#""$user", public"#, vec!["$user", "public"]),
            (r#""a, b", "c""d""#, vec!["a, b", "c\"d"]),
            (r#""""#, vec![""]),
        ] {
            assert_eq!(elements(stored), expected, "{stored}");
        }
    }

    #[test]
    fn setting_is_quoted() {
        let setting = |role: Option<&str>, name: &str, value: &str| {
            let setting = DatabaseSetting {
                role: role.map(str::to_owned),
                name: name.to_owned(),
                value: value.to_owned(),
            };
            setting.statement("a\"b").expect("a statement")
        };
        assert_eq!(
            setting(None, "search_path", r#""$user", public"#),
            r#"ALTER DATABASE "a""b" SET "search_path" TO '$user', 'public'"#
        );
        assert_eq!(
            setting(Some("x"), "app.title", "it's"),
            r#"ALTER ROLE "x" IN DATABASE "a""b" SET "app"."title" TO 'it''s'"#
        );
    }

    /// The PostgreSQL of the tests is built without ICU.
    #[test]
    fn database_is_created_with_the_locale_of_its_provider() {
        let mut properties = DatabaseProperties {
            encoding: "UTF8".to_owned(),
            locale_provider: "icu".to_owned(),
            collation: "C".to_owned(),
            character_type: "en_US.UTF-8".to_owned(),
            locale: Some("de-AT".to_owned()),
            icu_rules: Some("&a < 'g'".to_owned()),
            ..DatabaseProperties::default()
        };
        let common = "CREATE DATABASE \"x\" TEMPLATE template0 ALLOW_CONNECTIONS false ENCODING 'UTF8'";
        let locale = "LC_COLLATE 'C' LC_CTYPE 'en_US.UTF-8'";
        assert_eq!(
            properties.create_statement("x").expect("a statement"),
            format!("{common} LOCALE_PROVIDER 'icu' {locale} ICU_LOCALE 'de-AT' ICU_RULES '&a < ''g'''")
        );
        properties.locale_provider = "libc".to_owned();
        (properties.locale, properties.icu_rules) = (None, None);
        assert_eq!(
            properties.create_statement("x").expect("a statement"),
            format!("{common} LOCALE_PROVIDER 'libc' {locale}")
        );
    }

    #[test]
    fn every_lost_or_added_property_is_a_difference() {
        let original = DatabaseProperties { owner: "a".to_owned(), ..DatabaseProperties::default() };
        let changes: [fn(&mut DatabaseProperties); 8] = [
            |copy| copy.encoding = "x".to_owned(),
            |copy| copy.locale_provider = "x".to_owned(),
            |copy| copy.collation = "x".to_owned(),
            |copy| copy.character_type = "x".to_owned(),
            |copy| copy.locale = Some("x".to_owned()),
            |copy| copy.icu_rules = Some("x".to_owned()),
            |copy| copy.comment = Some("x".to_owned()),
            |copy| copy.connection_limit = 1,
        ];
        for change in changes {
            let mut copy = original.clone();
            change(&mut copy);
            assert_eq!(original.missing_in(&copy).len(), 1, "{copy:?}");
        }
        let [original, copy] = ["1MB", "2MB"].map(|value| {
            let setting =
                DatabaseSetting { role: None, name: "work_mem".to_owned(), value: value.to_owned() };
            DatabaseProperties { settings: BTreeSet::from([setting]), ..original.clone() }
        });
        let differences = original.missing_in(&copy);
        let [lost, added] = ["\"1MB\" is missing", "\"2MB\" should not be there"];
        assert_eq!(differences, [lost, added].map(|what| format!("the setting work_mem = {what}")));
    }

    #[test]
    fn lost_or_added_right_is_a_difference_except_of_an_owner() {
        let grant = |role: Option<&str>, grantable| DatabaseGrant {
            role: role.map(str::to_owned),
            privilege: DatabasePrivilege::Connect,
            grantable,
        };
        let of = |owner: &str, grants: &[DatabaseGrant]| DatabaseProperties {
            owner: owner.to_owned(),
            grants: grants.iter().cloned().collect(),
            ..DatabaseProperties::default()
        };
        for (original, copied, differences) in [
            (vec![grant(None, false)], vec![], 1),
            (vec![], vec![grant(None, false)], 1),
            (vec![grant(Some("c"), false)], vec![grant(Some("c"), true)], 2),
            (vec![grant(Some("copier"), false)], vec![], 0),
            (vec![], vec![grant(Some("owner"), false)], 0),
        ] {
            let found = of("owner", &original).missing_in(&of("copier", &copied));
            assert_eq!(found.len(), differences, "{found:?}");
        }
    }
}
