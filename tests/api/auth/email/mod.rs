mod change;
mod reject;
mod undo;
mod verify;
