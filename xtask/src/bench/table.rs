//! Makes `docs/benchmarks.md` of the numbers.

use super::measure::Sample;
use super::{Row, Table};
use crate::project::Project;

/// One tree's table, under a heading of its own.
pub fn markdown(table: &Table) -> String {
    let mut text = format!(
        "### {}: {} files, {:.1} MB\n\n| scanner | version | wall, median (least–most) | CPU | peak memory | wall against scanhost |\n\
         |---|---|---:|---:|---:|---:|\n",
        table.tree,
        table.files,
        table.bytes as f64 / 1e6
    );
    let ours = table.rows.first().and_then(|row| median(&row.samples, |sample| sample.wall));
    for row in &table.rows {
        text += &line(row, ours);
    }
    text
}

fn line(row: &Row, ours: Option<f64>) -> String {
    let Row { scanner, version, samples, failure } = row;
    let of = |field: fn(&Sample) -> f64| median(samples, field);
    let (Some(wall), Some(cpu), Some(peak)) = (of(|s| s.wall), of(|s| s.user + s.system), of(|s| s.peak_kib as f64))
    else {
        return format!("| {scanner} | {version} | {} | | | |\n", failure.as_deref().unwrap_or("not measured"));
    };
    let least = samples.iter().map(|sample| sample.wall).fold(f64::INFINITY, f64::min);
    let most = samples.iter().map(|sample| sample.wall).fold(0.0, f64::max);
    let ratio = ours.map_or(String::new(), |ours| format!("{:.2}×", wall / ours));
    format!(
        "| {scanner} | {version} | {wall:.3} s ({least:.3}–{most:.3}) | {cpu:.2} s | {:.0} MiB | {ratio} |\n",
        peak / 1024.0
    )
}

fn median(samples: &[Sample], field: impl Fn(&Sample) -> f64) -> Option<f64> {
    let mut values: Vec<f64> = samples.iter().map(field).collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        n if n % 2 == 1 => Some(values[middle]),
        _ => Some(f64::midpoint(values[middle - 1], values[middle])),
    }
}

/// The whole document: how it was measured, on what, and all tables.
pub fn document(project: &Project, tables: &[Table], rounds: usize) -> String {
    let mut text = format!(
        "# Benchmarks\n\n\
         Written by `cargo xtask bench`, which measures the release build beside every scanner that it finds on the\n\
         machine; run it on yours. Each scanner runs once unmeasured, so that the files are in the page cache, then\n\
         {rounds} times, all of them in turn. Nothing is validated over the network, no git history is read. *CPU* is\n\
         user and system time summed over all cores, *peak memory* the largest resident set of one process. The last\n\
         column says how many times as long as scanhost a scanner took.\n\n\
         The scanners do not look for the same things: more rules cost more time, and a fast scanner may have seen less.\n\
         The generated trees are the same bytes on every machine; see `xtask/src/bench/tree.rs`.\n\n\
         Measured at commit {} on {}.\n",
        commit(project),
        machine()
    );
    for table in tables {
        text.push('\n');
        text += &markdown(table);
    }
    text
}

fn commit(project: &Project) -> String {
    let described = project.program("git", ["describe", "--always", "--dirty", "--abbrev=10"]).output();
    let described = described.ok().filter(|output| output.status.success());
    described.map_or("unknown".into(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map(|rest| rest.trim_start_matches([' ', '\t', ':']));
    format!("{cores} cores of {} ({})", model.unwrap_or("an unnamed processor"), std::env::consts::OS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(scanner: &str, walls: &[f64]) -> Row {
        let sample = |wall: &f64| Sample { wall: *wall, user: 1.0, system: 0.5, peak_kib: 10_240, exit: 0 };
        Row {
            scanner: scanner.into(),
            version: "1.0".into(),
            samples: walls.iter().map(sample).collect(),
            failure: None,
        }
    }

    #[test]
    fn the_ratio_is_against_scanhost() {
        let rows = vec![row("scanhost", &[0.5, 0.4, 0.6]), row("peer", &[2.0, 1.0])];
        let text = markdown(&Table { tree: "t".into(), files: 2, bytes: 3_000_000, rows });
        assert!(text.contains("| scanhost | 1.0 | 0.500 s (0.400–0.600) | 1.50 s | 10 MiB | 1.00× |"), "{text}");
        assert!(text.contains("| peer | 1.0 | 1.500 s (1.000–2.000) | 1.50 s | 10 MiB | 3.00× |"), "{text}");
    }

    #[test]
    fn a_failure_is_shown_not_left_out() {
        let mut failed = row("peer", &[]);
        failed.failure = Some("ended with exit code 2".into());
        assert_eq!(line(&failed, Some(1.0)), "| peer | 1.0 | ended with exit code 2 | | | |\n");
    }
}
