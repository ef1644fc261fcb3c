//! The hashes were made by other implementations: Python's `hashlib`, `bcrypt` 5.0 and `argon2-cffi` 25.1, and those of Firebase by
//! Google: the sample of <https://github.com/firebase/scrypt>, and one that the tests of Supabase have.

use argon2_rust::{Argon2, Version};

use super::*;

const PASSWORD: &str = "Pässwörd 🔑 of Ada";

const HASHES: [&str; 9] = [
    "$2b$10$j1VrSes7UPHNTkoAHq5T0OO8WUO2lODzbk4gFt3BaxRi1UbkmnRSi",
    "$2a$04$CwV.cdPtBhZWMYo94eRU3.prUOhoSckWQah1MHDRmuCO4jp4mEdBS",
    "$pbkdf2-sha1$i=20000$YSBzYWx0IG9mIDE2IGJ5dA$SG8CPGAVLdNmo+DSfgCe6TnX/8QWWu9AlvizX3GIU6LSKnd6urBAYlZgOoEvzCFeoe4IO5kCl+rmkBZzMZyWnQ",
    "$pbkdf2-sha256$i=27500$YSBzYWx0IG9mIDE2IGJ5dA$lYVpDfZUXwBFYuUuLr4/rI45tZnSR8ZmxffcyIZIKrrr1OFbuMsFqWyhg5tqbK9DM0b0YTxH3VgaXULygYNSzA",
    "$pbkdf2-sha512$i=21000$YSBzYWx0IG9mIDE2IGJ5dA$e0RpU8NmjBPnH5znYJwkY8zYCxJmrTkJ6tJ59lagZVclN9uikLmmz9ZhR9bjzSdVxY/EhEGET10cAPbhA+56vA",
    "$scrypt$ln=14,r=8,p=1$YSBzYWx0IG9mIDE2IGJ5dA$Clr0401ZjAp7wXURZ5ok78yvC16nKB9LIebBEcQZMfc",
    "$argon2id$v=19$m=7168,t=5,p=1$YSBzYWx0IG9mIDE2IGJ5dA$EkunGThCgypIhEq/8ikkD6ehUJnenV7huqs0XPVKCR8",
    "$argon2id$v=19$m=65536,t=3,p=4$YSBzYWx0IG9mIDE2IGJ5dA$FcvSqLYmpYu9FHT/ha/SQL+3pbzA0+EFDXZwxraP8T4",
    "$argon2i$v=19$m=4096,t=3,p=1$YSBzYWx0IG9mIDE2IGJ5dA$UaVsNTFnmR4+aJvjjDIKCzEqFH0sh05P/0z2HblAK4s",
];

const OF_FIREBASE: [(&str, &str); 2] = [
    (
        "user1password",
        "$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==$42xEC+ixf3L2lw==$lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==",
    ),
    (
        "mytestpassword",
        "$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=ou9tdYTGyYm8kuR6Dt0Bp0kDuAYoXrK16mbZO4yGwAn3oLspjnN0/c41v8xZnO1n14J3MjKj1b2g6AUCAlFwMw==$C0sHCg9ek77hsg==$zKVTMvnWVw5BBOZNUdnsalx4c4c7y/w7IS5p6Ut2+CfEFFlz37J9huyQfov4iizN8dbjvEJlM5tQaJP84+hfTw==",
    ),
];

fn hasher() -> Hasher {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, argon2_rust::Params::OWASP).hasher()
}

#[test]
fn passwords_match_the_hashes_of_other_implementations() {
    let all = HASHES.into_iter().map(|hash| (PASSWORD, hash)).chain(OF_FIREBASE);
    for (password, text) in all {
        let hash = ImportedHash::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert!(hash.matches(password.as_bytes(), &mut hasher()), "{text}");
        for wrong in ["", "password", &format!("{password} "), &password.to_uppercase()] {
            assert!(!hash.matches(wrong.as_bytes(), &mut hasher()), "{text}: {wrong}");
        }
        assert_eq!(hash.to_stored(), format!("{PREFIX}{text}"));
    }
}

#[test]
fn hash_with_a_changed_character_matches_nothing_or_is_damaged() {
    for text in HASHES.into_iter().chain(OF_FIREBASE.map(|(_, text)| text)) {
        // In the middle of the first block of the hash.
        let begin = text.rfind('$').expect("a hash");
        let at = begin + if text.starts_with("$2") { 40 } else { 10 };
        let (before, after) = text.split_at(at);
        let other = if after.starts_with('A') { "B" } else { "A" };
        let changed = format!("{before}{other}{}", &after[1..]);
        let matches =
            ImportedHash::parse(&changed).is_ok_and(|hash| hash.matches(PASSWORD.as_bytes(), &mut hasher()));
        assert!(!matches, "{changed}");
    }
}

#[test]
fn costly_hashes_are_refused_before_they_are_computed() {
    for text in [
        "$2b$13$j1VrSes7UPHNTkoAHq5T0OO8WUO2lODzbk4gFt3BaxRi1UbkmnRSi",
        "$2b$31$j1VrSes7UPHNTkoAHq5T0OO8WUO2lODzbk4gFt3BaxRi1UbkmnRSi",
        "$pbkdf2-sha256$i=600001$YSBzYWx0IG9mIDE2IGJ5dA$lYVpDfZUXwBFYuUuLr4/rI45tZnSR8ZmxffcyIZIKrr",
        "$pbkdf2-sha512$i=4294967295$YSBzYWx0IG9mIDE2IGJ5dA$lYVpDfZUXwBFYuUuLr4/rI45tZnSR8ZmxffcyIZIKrr",
        "$scrypt$ln=20,r=8,p=1$YSBzYWx0IG9mIDE2IGJ5dA$Clr0401ZjAp7wXURZ5ok78yvC16nKB9LIebBEcQZMfc",
        "$scrypt$ln=14,r=8,p=1000$YSBzYWx0IG9mIDE2IGJ5dA$Clr0401ZjAp7wXURZ5ok78yvC16nKB9LIebBEcQZMfc",
        "$scrypt$ln=32,r=4294967295,p=4294967295$YSBzYWx0IG9mIDE2IGJ5dA$Clr0401ZjAp7wXURZ5ok78yvC16nKB9LIebBEcQZMfc",
        "$argon2id$v=19$m=65537,t=1,p=1$YSBzYWx0IG9mIDE2IGJ5dA$EkunGThCgypIhEq/8ikkD6ehUJnenV7huqs0XPVKCR8",
        "$argon2id$v=19$m=4194304,t=1,p=1$YSBzYWx0IG9mIDE2IGJ5dA$EkunGThCgypIhEq/8ikkD6ehUJnenV7huqs0XPVKCR8",
        "$argon2id$v=19$m=8,t=4294967295,p=1$YSBzYWx0IG9mIDE2IGJ5dA$EkunGThCgypIhEq/8ikkD6ehUJnenV7huqs0XPVKCR8",
        "$argon2id$v=19$m=4096,t=1,p=200$YSBzYWx0IG9mIDE2IGJ5dA$EkunGThCgypIhEq/8ikkD6ehUJnenV7huqs0XPVKCR8",
        &OF_FIREBASE[0].1.replace("n=14", "n=24"),
    ] {
        assert_eq!(ImportedHash::parse(text).err(), Some(Unusable::TooCostly), "{text}");
    }
}

#[test]
fn what_is_no_hash_is_refused() {
    for text in
        ["", "secret", "5f4dcc3b5aa765d61d8327deb882cf99", "$1$abcdefgh$x", "$2x$10$a", "$md5$x", "{SSHA}x"]
    {
        assert_eq!(ImportedHash::parse(text).err(), Some(Unusable::Unknown), "{text}");
    }
    let damaged_firebase = OF_FIREBASE[0].1.replace("sk=", "key=");
    for text in [
        "$2b$10$j1VrSes7UPHNTkoAHq5T0OO8WUO2lODzbk4gFt3BaxRi1UbkmnRS",
        "$2b$10$j1VrSes7UPHNTkoAHq5T0OO8WUO2lODzbk4gFt3BaxRi1UbkmnRS!",
        "$2b$10$j1VrSes7UPHNTkoAHq5T0OO8WUO2lODzbk4gFt3BaxRi1UbkmnRü",
        "$2b$03$j1VrSes7UPHNTkoAHq5T0OO8WUO2lODzbk4gFt3BaxRi1UbkmnRSi",
        "$pbkdf2-sha256$i=0$YSBzYWx0IG9mIDE2IGJ5dA$lYVpDfZUXwBFYuUuLr4/rI45tZnSR8ZmxffcyIZIKrr",
        "$pbkdf2-sha256$i=27500$YSBzYWx0IG9mIDE2IGJ5dA$",
        "$pbkdf2-sha256$i=27500$YSBzYWx0IG9mIDE2IGJ5dA$AAAA",
        "$pbkdf2-sha256$i=27500$YSBzYWx0IG9mIDE2IGJ5dA",
        "$pbkdf2-sha256$27500$YSBzYWx0IG9mIDE2IGJ5dA$lYVpDfZUXwBFYuUuLr4/rI45tZnSR8ZmxffcyIZIKrr",
        "$scrypt$ln=0,r=8,p=1$YSBzYWx0IG9mIDE2IGJ5dA$Clr0401ZjAp7wXURZ5ok78yvC16nKB9LIebBEcQZMfc",
        "$scrypt$ln=14,r=8,p=0$YSBzYWx0IG9mIDE2IGJ5dA$Clr0401ZjAp7wXURZ5ok78yvC16nKB9LIebBEcQZMfc",
        "$argon2id$v=19$m=7168,t=5,p=1$!!!$EkunGThCgypIhEq/8ikkD6ehUJnenV7huqs0XPVKCR8",
        "$argon2id$v=19$m=7168,t=5,p=1$YSBzYWx0IG9mIDE2IGJ5dA$AAAA",
        // What Firebase exports to a person without the permission to read hashes.
        "$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=jxspr8Ki0RYycVU8zykbdA==$42xEC+ixf3L2lw==$UkVEQUNURUQ=",
        &damaged_firebase,
        &format!("$2b$10${}", "a".repeat(2000)),
    ] {
        assert_eq!(ImportedHash::parse(text).err(), Some(Unusable::Damaged), "{text}");
    }
}
