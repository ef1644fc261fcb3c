//! The prices of language models.

use std::{collections::BTreeMap, str::FromStr};

/// What a million tokens of a model cost, in millionths of a currency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Price {
    pub prompt: i64,
    pub completion: i64,
}

/// The prices of models, by their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prices(BTreeMap<String, Price>);

impl Prices {
    /// The form that [`FromStr`] reads.
    pub const FORM: &str = "`<model>=<price>` or `<model>=<price of prompts>/<price of completions>`, separated by commas; a price has at most 6 decimals";

    /// Returns the price of `model`; zero without one.
    #[must_use]
    pub fn of(&self, model: &str) -> Price {
        self.0.get(model).copied().unwrap_or_default()
    }

    /// Checks whether there are prices, but none of `model`.
    #[must_use]
    pub fn lack(&self, model: &str) -> bool {
        !self.0.is_empty() && !self.0.contains_key(model)
    }
}

impl FromStr for Prices {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut prices = BTreeMap::new();
        for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            // The name of a model may contain any character but these two.
            let (model, price) = entry.split_once('=').ok_or(())?;
            let (prompt, completion) = price.split_once('/').unwrap_or((price, "0"));
            let price = Price {
                prompt: millionths(prompt.trim()).ok_or(())?,
                completion: millionths(completion.trim()).ok_or(())?,
            };
            let model = model.trim();
            if model.is_empty() || prices.insert(model.to_owned(), price).is_some() {
                return Err(());
            }
        }
        Ok(Self(prices))
    }
}

/// Reads a decimal number of at most 6 digits before its point, and 6 after it.
fn millionths(text: &str) -> Option<i64> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let is_number =
        |digits: &str| (1..=6).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit());
    if !is_number(whole) || !is_number(decimals) {
        return None;
    }
    format!("{whole}{decimals:0<6}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_read_for_a_million_tokens() {
        let prices: Prices = " text-embedding-3-small=0.02, a/b:0=1.5/60 ,free = 0,".parse().expect("prices");
        assert_eq!(prices.of("text-embedding-3-small"), Price { prompt: 20_000, completion: 0 });
        assert_eq!(prices.of("a/b:0"), Price { prompt: 1_500_000, completion: 60_000_000 });
        assert_eq!((prices.of("free"), prices.of("other")), (Price::default(), Price::default()));
        assert!(prices.lack("other") && !prices.lack("free"));
        assert!(!Prices::default().lack("other"));
        assert_eq!(millionths("999999.999999"), Some(999_999_999_999));
    }

    #[test]
    fn other_forms_of_prices_are_refused() {
        for text in [
            "a",
            "=1",
            "a=",
            "a=-1",
            "a=+1",
            "a=1e3",
            "a=.5",
            "a=1.",
            "a=0.0000001",
            "a=1000000",
            "a=1/",
            "a=1/2/3",
            "a=1,a=2",
            "a=1;b=2",
            "a=NaN",
            "a=1 USD",
        ] {
            assert_eq!(text.parse::<Prices>(), Err(()), "{text}");
        }
    }
}
