//! scanhost: one host for many scanners.
//!
//! Data flows one way, and the modules stand in that order:
//! [`config`] → [`plan`] → [`source`] → [`router`] → [`sandbox`] → [`finding`] → [`policy`] → [`report`].
//! [`run`] puts them together and keeps per-file results in the [`cache`], [`cli`] is the command line on top and the only place that prints.
//! Only [`sandbox`] (and [`plugin`], which compiles) knows wasmtime; everything else is plain data and
//! functions that are tested without it.

pub mod base;
pub mod cache;
pub mod cli;
pub mod config;
pub mod finding;
pub mod outcome;
pub mod plan;
pub mod plugin;
pub mod policy;
pub mod report;
pub mod router;
pub mod run;
pub mod sandbox;
pub mod source;
