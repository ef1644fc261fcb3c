//! The prices of language models.

use std::{collections::BTreeMap, str::FromStr};

/// Prices have at most so many decimal places, so that costs are computed with integers.
const DECIMALS: usize = 6;

/// The price of each model that has one. Other models cost nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prices(BTreeMap<String, Price>);

/// Millionths of the currency for a million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Price {
    prompt: u64,
    completion: u64,
}

impl Prices {
    /// Returns the cost of a call of `model`, in millionths of the currency, rounded up.
    #[must_use]
    pub fn cost_micros(&self, model: &str, prompt_tokens: u64, completion_tokens: u64) -> u64 {
        let Some(price) = self.0.get(model) else { return 0 };
        let cost = u128::from(prompt_tokens) * u128::from(price.prompt)
            + u128::from(completion_tokens) * u128::from(price.completion);
        u64::try_from(cost.div_ceil(1_000_000)).unwrap_or(u64::MAX)
    }
}

impl FromStr for Prices {
    type Err = ();

    /// Reads `<model>=<prompt>[/<completion>]`, separated by commas: the prices of a million tokens.
    fn from_str(text: &str) -> Result<Self, ()> {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let prices = entries.map(|entry| {
            let (model, price) = entry.rsplit_once('=').filter(|(model, _)| !model.is_empty())?;
            let (prompt, completion) = price.split_once('/').unwrap_or((price, "0"));
            let price = Price { prompt: parse(prompt)?, completion: parse(completion)? };
            Some((model.to_owned(), price))
        });
        prices.collect::<Option<_>>().map(Self).ok_or(())
    }
}

/// Returns a decimal number in millionths.
fn parse(number: &str) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty()
        || whole.len() > 9
        || fraction.len() > DECIMALS
        || !is_number(whole)
        || !is_number(fraction)
    {
        return None;
    }
    format!("{whole}{fraction:0<DECIMALS$}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_computed_from_the_prices_of_a_million_tokens() {
        let prices: Prices =
            "gpt-4.1-mini=0.40/1.60, meta/llama=3:free=0.000001/0 ,embed=2".parse().expect("prices");
        for (model, prompt, completion, micros) in [
            ("gpt-4.1-mini", 1_000_000, 0, 400_000),
            ("gpt-4.1-mini", 1_000, 500, 1_200),
            ("gpt-4.1-mini", 1, 0, 1),
            ("gpt-4.1-mini", 0, 0, 0),
            ("meta/llama=3:free", 1_000_000, 5, 1),
            ("embed", 3, 7, 6),
            ("unknown", 1_000_000, 1_000_000, 0),
            ("embed", u64::MAX, u64::MAX, u64::MAX),
        ] {
            assert_eq!(
                prices.cost_micros(model, prompt, completion),
                micros,
                "{model} {prompt} {completion}"
            );
        }
    }

    #[test]
    fn other_texts_are_no_prices() {
        for text in [
            "model",
            "=1",
            "model=",
            "model=a",
            "model=1/",
            "model=-1",
            "model=1.0000001",
            "model=1/2/3",
            "m=1e3",
        ] {
            assert_eq!(text.parse::<Prices>(), Err(()), "{text}");
        }
        assert_eq!("".parse::<Prices>(), Ok(Prices::default()));
    }
}
