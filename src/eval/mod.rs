//! Judging models: what is held out, how well it is predicted and ranked, and whether systems
//! differ.

pub mod compare;
pub mod protocol;
pub mod ranking;
pub mod significance;
pub mod split;
pub mod systems;
