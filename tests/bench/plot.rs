//! Lines over an axis that counts something, both axes in powers of ten, as SVG and as a table in Markdown.

use std::fmt::Write as _;

pub(crate) struct Plot {
    /// What the horizontal axis counts.
    pub(crate) name: &'static str,
    /// What the vertical axis counts.
    pub(crate) unit: &'static str,
    pub(crate) lines: Vec<Line>,
}

pub(crate) struct Line {
    pub(crate) name: &'static str,
    pub(crate) points: Vec<(f64, f64)>,
}

/// An axis in powers of ten, and where it begins and ends in the picture.
struct Axis {
    least: f64,
    most: f64,
    begin: f64,
    end: f64,
}

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 360.0;

/// They can be told apart without colours by their order in the legend, and on a dark page, too.
const COLORS: [&str; 2] = ["#d9480f", "#1c7ed6"];
const GRAY: &str = "#868e96";

// === impl Line ===

impl Line {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, points: Vec::new() }
    }
}

// === impl Plot ===

impl Plot {
    pub(crate) fn svg(&self) -> String {
        let all = || self.lines.iter().flat_map(|line| line.points.iter().copied());
        let across = Axis::over(all().map(|point| point.0), 70.0, WIDTH - 20.0);
        let up = Axis::over(all().map(|point| point.1), HEIGHT - 50.0, 20.0);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
             font-size=\"12\" fill=\"{GRAY}\">\n"
        );
        for power in across.powers() {
            let (at, top, bottom) = (across.at(power), up.end, up.begin);
            svg += &line(at, top, at, bottom);
            svg += &text(at, bottom + 18.0, "middle", &short(power));
        }
        for power in up.powers() {
            let (at, left, right) = (up.at(power), across.begin, across.end);
            svg += &line(left, at, right, at);
            svg += &text(left - 8.0, at + 4.0, "end", &short(power));
        }
        svg += &text(f64::midpoint(across.begin, across.end), HEIGHT - 10.0, "middle", self.name);
        svg += &text(across.begin, 14.0, "start", self.unit);
        for ((number, Line { name, points }), color) in self.lines.iter().enumerate().zip(COLORS) {
            let points: Vec<_> =
                points.iter().map(|(x, y)| format!("{:.1},{:.1}", across.at(*x), up.at(*y))).collect();
            let _ = writeln!(
                svg,
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"2\"/>",
                points.join(" ")
            );
            let legend = text(across.end - 8.0, 38.0 + 16.0 * number as f64, "end", name);
            svg += &legend.replace("<text", &format!("<text fill=\"{color}\""));
        }
        svg + "</svg>\n"
    }

    pub(crate) fn table(&self) -> String {
        let names: Vec<_> = self.lines.iter().map(|line| line.name).collect();
        let ratio = if names.len() == 2 { " ratio |" } else { "" };
        let mut table = format!(
            "| {} | {}, {} |{ratio}\n",
            self.name,
            self.unit,
            names.join(&format!(" | {}, ", self.unit))
        );
        table +=
            &format!("|{}{}\n", "---|".repeat(1 + names.len()), if ratio.is_empty() { "" } else { "---|" });
        let Some(first) = self.lines.first() else { return table };
        for (row, (x, _)) in first.points.iter().enumerate() {
            let cells: Vec<_> =
                self.lines.iter().filter_map(|line| line.points.get(row)).map(|point| point.1).collect();
            let shown: Vec<_> = cells.iter().map(|cell| significant(*cell)).collect();
            let ratio = match cells.as_slice() {
                [ours, theirs] => format!(" {:.2} |", ours / theirs),
                _ => String::new(),
            };
            let _ = writeln!(table, "| {x} | {} |{ratio}", shown.join(" | "));
        }
        table
    }
}

// === impl Axis ===

impl Axis {
    fn over(values: impl Iterator<Item = f64>, begin: f64, end: f64) -> Self {
        let (least, most) =
            values.fold((f64::MAX, f64::MIN), |(least, most), value| (least.min(value), most.max(value)));
        let (least, most) = (least.max(1e-3).log10().floor(), most.max(1e-3).log10().ceil());
        Self { least, most: most.max(least + 1.0), begin, end }
    }

    fn at(&self, value: f64) -> f64 {
        let part = (value.max(1e-3).log10() - self.least) / (self.most - self.least);
        self.begin + part * (self.end - self.begin)
    }

    fn powers(&self) -> impl Iterator<Item = f64> {
        (self.least as i32..=self.most as i32).map(|power| 10_f64.powi(power))
    }
}

fn line(x1: f64, y1: f64, x2: f64, y2: f64) -> String {
    format!(
        "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{GRAY}\" stroke-opacity=\"0.3\"/>\n"
    )
}

fn text(x: f64, y: f64, anchor: &str, text: &str) -> String {
    format!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>\n")
}

/// Returns a power of ten as an axis shows it.
fn short(power: f64) -> String {
    match power {
        1e6.. => format!("{} M", power / 1e6),
        1e3.. => format!("{} k", power / 1e3),
        _ => power.to_string(),
    }
}

/// Returns a number with about three digits.
fn significant(number: f64) -> String {
    match number {
        100.0.. => format!("{number:.0}"),
        10.0.. => format!("{number:.1}"),
        _ => format!("{number:.2}"),
    }
}
