//! Figures beside their peers and targets: a table in the terminal, a page, and curves.

use anyhow::{Context, Result};
use plotters::prelude::*;
use std::fmt::Write;
use std::path::Path;

/// What a figure is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Seconds, shown in the unit that suits.
    Time,
    /// How many in a second.
    Rate,
    /// Bytes, shown in KiB.
    Bytes,
    /// A number.
    Count,
}

impl Unit {
    fn show(self, value: f64) -> String {
        match self {
            Self::Time if value.abs() < 1e-3 => format!("{:.1} µs", value * 1e6),
            Self::Time if value.abs() < 1.0 => format!("{:.2} ms", value * 1e3),
            Self::Time => format!("{value:.2} s"),
            Self::Rate => format!("{value:.0} /s"),
            Self::Bytes if value.abs() >= f64::from(10 << 20) => format!("{:.1} MiB", value / 1_048_576.0),
            Self::Bytes => format!("{:.0} KiB", value / 1024.0),
            Self::Count if value.fract() == 0.0 => format!("{value:.0}"),
            Self::Count => format!("{value:.3}"),
        }
    }
}

/// What a figure is to reach.
#[derive(Debug, Clone, Copy)]
pub enum Target {
    /// The figure itself, at most.
    AtMost(f64),
    /// The figure divided by its peer's, at most.
    RatioAtMost(f64),
    /// The same, at least.
    RatioAtLeast(f64),
}

/// One measured figure.
#[derive(Debug, Clone)]
pub struct Figure {
    /// What was measured.
    pub what: String,
    unit: Unit,
    value: f64,
    peer: Option<(String, f64)>,
    target: Option<Target>,
}

impl Figure {
    /// `value` in `unit`; seconds for a time, bytes for a size.
    pub fn new(what: impl Into<String>, unit: Unit, value: f64) -> Self {
        Self { what: what.into(), unit, value, peer: None, target: None }
    }

    /// Beside the same of `peer`.
    pub fn beside(self, peer: impl Into<String>, value: f64) -> Self {
        Self { peer: Some((peer.into(), value)), ..self }
    }

    /// With what it is to reach.
    pub fn target(self, target: Target) -> Self {
        Self { target: Some(target), ..self }
    }

    fn ratio(&self) -> Option<f64> {
        self.peer.as_ref().map(|(_, peer)| self.value / peer)
    }

    /// Whether it reaches its target, if it has one.
    pub fn is_met(&self) -> Option<bool> {
        let ratio = self.ratio();
        Some(match self.target? {
            Target::AtMost(most) => self.value <= most,
            Target::RatioAtMost(most) => ratio? <= most,
            Target::RatioAtLeast(least) => ratio? >= least,
        })
    }

    /// What, the figure, the peer, the ratio, the target, whether it is met.
    fn cells(&self) -> [String; 6] {
        let target = self.target.map(|target| match target {
            Target::AtMost(most) => format!("≤ {}", self.unit.show(most)),
            Target::RatioAtMost(most) => format!("≤ {most} ×"),
            Target::RatioAtLeast(least) => format!("≥ {least} ×"),
        });
        let peer = self.peer.as_ref().map(|(peer, value)| format!("{peer}: {}", self.unit.show(*value)));
        [
            self.what.clone(),
            self.unit.show(self.value),
            peer.unwrap_or_default(),
            self.ratio().map(|ratio| format!("{ratio:.2} ×")).unwrap_or_default(),
            target.unwrap_or_default(),
            self.is_met().map(|met| if met { "met" } else { "missed" }.to_owned()).unwrap_or_default(),
        ]
    }
}

/// A curve: what stands on each axis, and a line for each name.
#[derive(Debug, Clone)]
pub struct Curve {
    /// File name without its extension.
    pub file: &'static str,
    /// What it shows.
    pub title: &'static str,
    /// The horizontal axis, which is logarithmic.
    pub x: &'static str,
    /// The vertical axis.
    pub y: &'static str,
    /// Points of each line.
    pub lines: Vec<(&'static str, Vec<(f64, f64)>)>,
}

/// Figures that belong together.
#[derive(Debug, Clone)]
pub struct Section {
    /// Its heading.
    pub title: &'static str,
    /// How they were made.
    pub how: String,
    /// The figures.
    pub figures: Vec<Figure>,
    /// Their curves.
    pub curves: Vec<Curve>,
    /// What they say, in sentences.
    pub says: Vec<String>,
}

const HEAD: [&str; 6] = ["what", "figure", "peer", "ratio", "target", ""];
const SIZE: (u32, u32) = (720, 400);

impl Section {
    /// As a table for a terminal.
    pub fn table(&self) -> String {
        let rows: Vec<_> =
            std::iter::once(HEAD.map(str::to_owned)).chain(self.figures.iter().map(Figure::cells)).collect();
        let widths: Vec<_> =
            (0..HEAD.len()).map(|at| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0)).collect();
        let mut text = format!("\n{}\n", self.title);
        for row in rows {
            let cells = row.iter().zip(&widths).map(|(cell, width)| {
                let blanks = width - cell.chars().count();
                format!("{cell}{}", " ".repeat(blanks))
            });
            let line = cells.collect::<Vec<_>>().join("  ");
            let _ = writeln!(text, "  {}", line.trim_end());
        }
        for sentence in &self.says {
            let _ = writeln!(text, "  {sentence}");
        }
        text
    }

    /// As a part of the page.
    pub fn markdown(&self) -> String {
        let mut text = format!("## {}\n\n{}\n\n", self.title, self.how);
        if !self.figures.is_empty() {
            let _ = writeln!(text, "| {} |\n|{}", HEAD.join(" | "), "---|".repeat(HEAD.len()));
            for figure in &self.figures {
                let _ = writeln!(text, "| {} |", figure.cells().join(" | "));
            }
            text.push('\n');
        }
        for curve in &self.curves {
            let _ = writeln!(text, "![{}](performance/{}.svg)\n", curve.title, curve.file);
        }
        for sentence in &self.says {
            let _ = writeln!(text, "{sentence}\n");
        }
        text
    }
}

impl Curve {
    /// Writes it as `FILE.svg` into `folder`.
    pub fn draw(&self, folder: &Path) -> Result<()> {
        let points = || self.lines.iter().flat_map(|(_, points)| points.iter().copied());
        let (mut most, mut right) = (0.0_f64, 1.0_f64);
        for (x, y) in points() {
            (right, most) = (right.max(x), most.max(y));
        }
        let left = points().map(|(x, _)| x).fold(right, f64::min);
        let path = folder.join(self.file).with_extension("svg");
        let area = SVGBackend::new(&path, SIZE).into_drawing_area();
        let drawn = || -> Result<(), Box<dyn std::error::Error>> {
            area.fill(&WHITE)?;
            let mut chart = ChartBuilder::on(&area)
                .caption(self.title, ("sans-serif", 18))
                .margin(12)
                .margin_right(40)
                .x_label_area_size(40)
                .y_label_area_size(70)
                .build_cartesian_2d((left..right).log_scale(), 0.0..most * 1.1)?;
            chart
                .configure_mesh()
                .x_desc(self.x)
                .y_desc(self.y)
                .x_labels(6)
                .x_label_formatter(&|x| format!("{x:.0}"))
                .y_label_formatter(&|y| format!("{y:.0}"))
                .light_line_style(WHITE)
                .draw()?;
            for (at, (name, points)) in self.lines.iter().enumerate() {
                let color = Palette99::pick(at).mix(1.0);
                chart
                    .draw_series(LineSeries::new(points.iter().copied(), color.stroke_width(2)))?
                    .label(*name)
                    .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], color.stroke_width(2)));
                chart.draw_series(points.iter().map(|point| Circle::new(*point, 3, color.filled())))?;
            }
            chart
                .configure_series_labels()
                .position(SeriesLabelPosition::UpperLeft)
                .background_style(WHITE.mix(0.8))
                .border_style(BLACK.mix(0.3))
                .draw()?;
            area.present()?;
            Ok(())
        };
        drawn().map_err(|error| anyhow::anyhow!("{error}")).with_context(|| path.display().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_of_the_figure_or_of_its_ratio() {
        let figure = || Figure::new("x", Unit::Time, 2e-3).beside("peer", 1e-3);
        assert_eq!(figure().is_met(), None);
        assert_eq!(figure().target(Target::AtMost(1e-3)).is_met(), Some(false));
        assert_eq!(figure().target(Target::RatioAtMost(2.0)).is_met(), Some(true));
        assert_eq!(figure().target(Target::RatioAtLeast(2.5)).is_met(), Some(false));
        assert_eq!(
            figure().target(Target::AtMost(3e-3)).cells(),
            ["x", "2.00 ms", "peer: 1.00 ms", "2.00 ×", "≤ 3.00 ms", "met"]
        );
    }

    #[test]
    fn the_page_has_a_row_for_each_figure_and_a_picture_for_each_curve() {
        let curve =
            Curve { file: "c", title: "Curve", x: "x", y: "y", lines: vec![("a", vec![(1.0, 2.0), (10.0, 3.0)])] };
        let figures = vec![Figure::new("a", Unit::Count, 1.0), Figure::new("b", Unit::Bytes, 2048.0)];
        let section = Section { title: "T", how: String::new(), figures, curves: vec![curve], says: Vec::new() };
        let page = section.markdown();
        assert!(page.contains("| a | 1 |") && page.contains("| b | 2 KiB |"), "{page}");
        assert!(page.contains("(performance/c.svg)"), "{page}");
        let folder = tempfile::tempdir().unwrap();
        section.curves[0].draw(folder.path()).unwrap();
        let drawn = std::fs::read_to_string(folder.path().join("c.svg")).unwrap();
        assert!(drawn.starts_with("<svg") && drawn.contains("Curve"), "{drawn}");
    }
}
