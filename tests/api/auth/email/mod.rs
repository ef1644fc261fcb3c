mod change;
mod verify;
