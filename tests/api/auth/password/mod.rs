mod change;
mod forgot;
mod reset;
