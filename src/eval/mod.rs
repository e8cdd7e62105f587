//! Judging models: what is held out, and (to come) how well it is predicted.

pub mod split;
