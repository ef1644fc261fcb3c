//! The language of a text, as the name of the configuration with which PostgreSQL makes its search terms.

use whatlang::{Lang, detect};

/// Used for texts of no known language: every word as it is.
pub const SIMPLE: &str = "simple";

/// Languages with a configuration in every PostgreSQL from 15 on.
const LANGUAGES: [(Lang, &str); 25] = [
    (Lang::Ara, "arabic"),
    (Lang::Hye, "armenian"),
    (Lang::Cat, "catalan"),
    (Lang::Dan, "danish"),
    (Lang::Nld, "dutch"),
    (Lang::Eng, "english"),
    (Lang::Fin, "finnish"),
    (Lang::Fra, "french"),
    (Lang::Deu, "german"),
    (Lang::Ell, "greek"),
    (Lang::Hin, "hindi"),
    (Lang::Hun, "hungarian"),
    (Lang::Ind, "indonesian"),
    (Lang::Ita, "italian"),
    (Lang::Lit, "lithuanian"),
    (Lang::Nep, "nepali"),
    (Lang::Nob, "norwegian"),
    (Lang::Por, "portuguese"),
    (Lang::Ron, "romanian"),
    (Lang::Rus, "russian"),
    (Lang::Srp, "serbian"),
    (Lang::Spa, "spanish"),
    (Lang::Swe, "swedish"),
    (Lang::Tam, "tamil"),
    (Lang::Tur, "turkish"),
];

/// Returns the configuration for `text`: [`SIMPLE`] unless its language is certain.
#[must_use]
pub fn configuration(text: &str) -> &'static str {
    let found = detect(text).filter(whatlang::Info::is_reliable);
    let known = found.and_then(|info| LANGUAGES.iter().find(|(language, _)| *language == info.lang()));
    known.map_or(SIMPLE, |(_, configuration)| configuration)
}

/// Returns all configurations that [`configuration`] can return.
pub fn configurations() -> impl Iterator<Item = &'static str> {
    LANGUAGES.iter().map(|(_, configuration)| *configuration).chain([SIMPLE])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn language_of_prose_is_found_and_that_of_figures_is_not() {
        for (text, expected) in [
            (
                "The committee reviewed the annual report and decided that the budget for the next year should grow.",
                "english",
            ),
            (
                "Die Versammlung prüfte den Jahresbericht und beschloss, dass der Haushalt im nächsten Jahr wachsen soll.",
                "german",
            ),
            (
                "Комиссия рассмотрела годовой отчёт и решила, что бюджет на следующий год должен вырасти.",
                "russian",
            ),
            ("年次報告書を検討し、来年度の予算を増やすことを決定しました。", SIMPLE),
            ("12.5; 13.7; 99 | 12", SIMPLE),
            ("", SIMPLE),
        ] {
            assert_eq!(configuration(text), expected, "{text}");
        }
    }
}
