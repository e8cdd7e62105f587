//! Draws figures as SVG and PNG with the plotters library.

use std::sync::Once;

use epaint_default_fonts::UBUNTU_LIGHT;
use plotters::backend::{BitMapBackend, DrawingBackend, SVGBackend};
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea};
use plotters::element::{Circle, PathElement, Polygon, Rectangle, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontDesc, FontFamily, FontStyle, RGBColor, TextStyle, register_font};

use crate::io::printable::printable;
use crate::plot::ticks::{AxisTick, ticks};
use crate::plot::{Figure, FigurePanel, HistogramBar, PanelMarks, PlotColumn, PlotLine};

const WIDTH: i32 = 960;
const MARGIN: i32 = 24;
/// Height of a panel of columns or lines, and of its plot alone.
const PANEL: i32 = 300;
/// Height of a lying bar with the space around it.
const BAR: i32 = 26;
/// What is above and below the bars of a panel.
const AROUND_BARS: i32 = 76;
const FONT: &str = "sans-serif";

const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
const FAINT: RGBColor = RGBColor(0x66, 0x66, 0x66);
const GRID: RGBColor = RGBColor(0xdd, 0xdd, 0xdd);
const PAPER: RGBColor = RGBColor(0xff, 0xff, 0xff);
/// Okabe and Ito's colours, but for the yellow, which is too light on white.
const COLOURS: [RGBColor; 7] = [
    RGBColor(0x00, 0x72, 0xb2),
    RGBColor(0xd5, 0x5e, 0x00),
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0xcc, 0x79, 0xa7),
    RGBColor(0xe6, 0x9f, 0x00),
    RGBColor(0x56, 0xb4, 0xe9),
    RGBColor(0x00, 0x00, 0x00),
];

type PlotArea<DB> = DrawingArea<DB, Shift>;
type DrawnFigure<DB> = Result<(), DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>>;

/// Draws a figure as SVG.
pub(super) fn svg(figure: &Figure) -> String {
    let mut text = String::new();
    {
        let size = (WIDTH as u32, height(figure) as u32);
        let area = SVGBackend::with_string(&mut text, size).into_drawing_area();
        DrawingPen { area: &area, scale: 1, joins: true }
            .figure(figure)
            .expect("a text takes all that is drawn");
    }
    text
}

/// Draws a figure as PNG, two pixels a unit.
pub(super) fn png(figure: &Figure) -> Vec<u8> {
    const SCALE: i32 = 2;
    let size = ((SCALE * WIDTH) as u32, (SCALE * height(figure)) as u32);
    let mut pixels = vec![0; 3 * size.0 as usize * size.1 as usize];
    {
        let area = BitMapBackend::with_buffer(&mut pixels, size).into_drawing_area();
        DrawingPen { area: &area, scale: SCALE, joins: false }
            .figure(figure)
            .expect("memory takes all that is drawn");
    }
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, size.0, size.1);
    encoder.set_color(png::ColorType::Rgb);
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(&pixels));
    written.expect("the pixels are those of this size");
    bytes
}

fn heading(figure: &Figure) -> i32 {
    if figure.note.is_empty() { 44 } else { 64 }
}

fn height(figure: &Figure) -> i32 {
    heading(figure) + figure.panels.iter().map(panel_height).sum::<i32>() + MARGIN
}

fn panel_height(panel: &FigurePanel) -> i32 {
    match &panel.marks {
        PanelMarks::Bars(bars) if !bars.is_empty() => BAR * bars.len() as i32 + AROUND_BARS,
        _ => PANEL,
    }
}

/// A rectangle of the drawing.
#[derive(Clone, Copy)]
struct PlotFrame {
    left: i32,
    top: i32,
    right: i32,
    bottom: i32,
}

/// Draws in units of length, of which each is `scale` pixels.
struct DrawingPen<'a, DB: DrawingBackend> {
    area: &'a PlotArea<DB>,
    scale: i32,
    /// Draws lines in one piece. Where one turns sharply, the library draws a joint as long as the
    /// picture into pixels.
    joins: bool,
}

impl<DB: DrawingBackend> DrawingPen<'_, DB> {
    fn figure(&self, figure: &Figure) -> DrawnFigure<DB> {
        static FONTS: Once = Once::new();
        FONTS.call_once(|| {
            for style in [FontStyle::Normal, FontStyle::Bold] {
                // The first of its name is kept, so that a second one is no harm.
                let _ = register_font(FONT, style, UBUNTU_LIGHT);
            }
        });
        self.area.fill(&PAPER)?;
        let title = self.shortened(&figure.title, 20, WIDTH - 2 * MARGIN);
        self.text(&title, (MARGIN, 28), 20, INK, HPos::Left)?;
        let note = self.shortened(&figure.note, 13, WIDTH - 2 * MARGIN);
        self.text(&note, (MARGIN, 50), 13, FAINT, HPos::Left)?;
        let mut top = heading(figure);
        for panel in &figure.panels {
            let bottom = top + panel_height(panel);
            self.panel(panel, PlotFrame { left: MARGIN, top, right: WIDTH - MARGIN, bottom })?;
            top = bottom;
        }
        self.area.present()
    }

    fn panel(&self, panel: &FigurePanel, frame: PlotFrame) -> DrawnFigure<DB> {
        match (&panel.marks, panel.ranges().filter(|_| !panel.is_empty())) {
            (_, None) => {
                let middle = (WIDTH / 2, (frame.top + frame.bottom) / 2);
                self.text("nothing to show", middle, 14, FAINT, HPos::Center)
            }
            (PanelMarks::Bars(bars), Some((x, _))) => self.bars(panel, bars, x, frame),
            (PanelMarks::Columns(columns), Some((x, y))) => {
                let frame = self.axes(panel, x, y, frame)?;
                self.columns(columns, x, y, frame)
            }
            (PanelMarks::Lines(lines), Some((x, y))) => {
                self.legend(lines, frame)?;
                let frame = self.axes(panel, x, y, frame)?;
                lines
                    .iter()
                    .zip(COLOURS.iter().cycle())
                    .try_for_each(|(line, &colour)| self.line(line, x, y, frame, colour))
            }
        }
    }

    /// Draws grid and labels, and returns the frame that is left for the shapes.
    fn axes(
        &self,
        panel: &FigurePanel,
        x: (f64, f64),
        y: (f64, f64),
        frame: PlotFrame,
    ) -> Result<PlotFrame, DrawingAreaErrorKind<DB::ErrorType>> {
        let y_ticks = ticks(&panel.y.kind, y.0, y.1, 5);
        let widest = y_ticks.iter().map(|tick| self.width(&tick.label, 12)).max().unwrap_or(0);
        let inner = PlotFrame {
            left: frame.left + widest + 8,
            top: frame.top + 34,
            right: frame.right - 8,
            bottom: frame.bottom - 46,
        };
        self.text(&panel.y.label, (frame.left, frame.top + 14), 13, FAINT, HPos::Left)?;
        let middle = (inner.left + inner.right) / 2;
        self.text(&panel.x.label, (middle, frame.bottom - 12), 13, FAINT, HPos::Center)?;
        for AxisTick { at, label } in &y_ticks {
            let place = place(*at, y, inner.bottom, inner.top);
            self.segment((inner.left, place), (inner.right, place), GRID)?;
            self.text(label, (inner.left - 6, place), 12, FAINT, HPos::Right)?;
        }
        self.x_labels(panel, x, inner)?;
        self.segment((inner.left, inner.bottom), (inner.right, inner.bottom), FAINT)?;
        Ok(inner)
    }

    /// Writes as many labels below an axis as there is room for.
    fn x_labels(&self, panel: &FigurePanel, x: (f64, f64), inner: PlotFrame) -> DrawnFigure<DB> {
        const APART: i32 = 14;
        let room = inner.right - inner.left;
        let mut most = 24;
        let mut shown = ticks(&panel.x.kind, x.0, x.1, most);
        let widest =
            |shown: &[AxisTick]| shown.iter().map(|tick| self.width(&tick.label, 12)).max();
        while most > 1 && shown.len() as i32 * (widest(&shown).unwrap_or(0) + APART) > room {
            most -= 1;
            shown = ticks(&panel.x.kind, x.0, x.1, most);
        }
        for AxisTick { at, label } in shown {
            let at = place(at, x, inner.left, inner.right);
            self.segment((at, inner.bottom), (at, inner.bottom + 4), FAINT)?;
            let label = self.shortened(&label, 12, room);
            let half = self.width(&label, 12) / 2;
            let at = at.min(WIDTH - 4 - half);
            self.text(&label, (at, inner.bottom + 15), 12, FAINT, HPos::Center)?;
        }
        Ok(())
    }

    fn columns(
        &self,
        columns: &[PlotColumn],
        x: (f64, f64),
        y: (f64, f64),
        inner: PlotFrame,
    ) -> DrawnFigure<DB> {
        /// Columns of fewer units are drawn as one shape.
        const NARROWEST: i32 = 2;
        let zero = place(0.0, y, inner.bottom, inner.top);
        if columns.len() as i32 * NARROWEST > inner.right - inner.left {
            // The highest column of each unit of length, so that no peak is lost.
            let mut heights = vec![zero; (inner.right - inner.left + 1) as usize];
            for column in columns {
                let (from, to) = (
                    place(column.from, x, 0, inner.right - inner.left),
                    place(column.to, x, 0, inner.right - inner.left),
                );
                let top = place(column.value, y, inner.bottom, inner.top);
                for height in &mut heights[from.max(0) as usize..=to.max(from) as usize] {
                    *height = (*height).min(top);
                }
            }
            let tops = heights.iter().enumerate().map(|(at, &top)| (inner.left + at as i32, top));
            let outline = [(inner.left, zero)].into_iter().chain(tops).chain([(inner.right, zero)]);
            let outline: Vec<(i32, i32)> = outline.map(|point| self.pixels(point)).collect();
            return self.area.draw(&Polygon::new(outline, COLOURS[0].filled()));
        }
        for column in columns {
            let (from, to) = (
                place(column.from, x, inner.left, inner.right),
                place(column.to, x, inner.left, inner.right),
            );
            let gap = i32::from(to - from > 3);
            let top = place(column.value, y, inner.bottom, inner.top);
            self.rectangle((from + gap, top), (to.max(from + 1), zero), COLOURS[0])?;
        }
        Ok(())
    }

    fn line(
        &self,
        line: &PlotLine,
        x: (f64, f64),
        y: (f64, f64),
        inner: PlotFrame,
        colour: RGBColor,
    ) -> DrawnFigure<DB> {
        let known = |point: &&(f64, Option<f64>)| point.1.is_some();
        for run in line.points.chunk_by(|a, b| a.1.is_some() == b.1.is_some()) {
            let points: Vec<(i32, i32)> = run
                .iter()
                .filter(known)
                .map(|&(at, value)| {
                    let value = value.expect("it was filtered");
                    let across = fine(at, x, inner.left, inner.right, self.scale);
                    (across, fine(value, y, inner.bottom, inner.top, self.scale))
                })
                .collect();
            match points[..] {
                [] => {}
                [point] => {
                    self.area.draw(&Circle::new(point, 2 * self.scale, colour.filled()))?;
                }
                _ => {
                    let style = colour.stroke_width((2 * self.scale) as u32);
                    for piece in points.windows(if self.joins { points.len() } else { 2 }) {
                        self.area.draw(&PathElement::new(piece.to_vec(), style))?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Names the lines, where there are several, beside the label of their axis.
    fn legend(&self, lines: &[PlotLine], frame: PlotFrame) -> DrawnFigure<DB> {
        if lines.len() < 2 {
            return Ok(());
        }
        let longest = 600 / lines.len() as i32 - 40;
        let mut right = frame.right;
        let coloured: Vec<_> = lines.iter().zip(COLOURS.iter().cycle()).collect();
        for (line, &colour) in coloured.into_iter().rev() {
            let name = self.shortened(&line.name, 13, longest.max(40));
            self.text(&name, (right, frame.top + 14), 13, INK, HPos::Right)?;
            right -= self.width(&name, 13) + 24;
            self.rectangle((right, frame.top + 12), (right + 18, frame.top + 16), colour)?;
            right -= 16;
        }
        Ok(())
    }

    fn bars(
        &self,
        panel: &FigurePanel,
        bars: &[HistogramBar],
        x: (f64, f64),
        frame: PlotFrame,
    ) -> DrawnFigure<DB> {
        let names: Vec<String> =
            bars.iter().map(|bar| self.shortened(&bar.name, 13, WIDTH * 2 / 5)).collect();
        let widest = names.iter().map(|name| self.width(name, 13)).max().unwrap_or(0);
        let text = bars.iter().map(|bar| self.width(&bar.text, 13)).max().unwrap_or(0);
        let inner = PlotFrame {
            left: frame.left + widest + 10,
            top: frame.top + 26,
            right: frame.right - text - 12,
            bottom: frame.bottom - 50,
        };
        let x = if x.0 < x.1 { x } else { (x.0, x.0 + 1.0) };
        self.text(&panel.y.label, (frame.left, frame.top + 14), 13, FAINT, HPos::Left)?;
        for AxisTick { at, label } in ticks(&panel.x.kind, x.0, x.1, 6) {
            let at = place(at, x, inner.left, inner.right);
            self.segment((at, inner.top), (at, inner.bottom), GRID)?;
            self.text(&label, (at, inner.bottom + 13), 12, FAINT, HPos::Center)?;
        }
        let middle = (inner.left + inner.right) / 2;
        self.text(&panel.x.label, (middle, frame.bottom - 16), 13, FAINT, HPos::Center)?;
        let zero = place(0.0, x, inner.left, inner.right);
        for ((bar, name), top) in bars.iter().zip(&names).zip((inner.top..).step_by(BAR as usize)) {
            let middle = top + BAR / 2;
            self.text(name, (inner.left - 8, middle), 13, INK, HPos::Right)?;
            let end = place(bar.value, x, inner.left, inner.right);
            self.rectangle(
                (zero.min(end), top + 4),
                (zero.max(end).max(zero + 1), top + BAR - 4),
                COLOURS[0],
            )?;
            let mut right = zero.max(end);
            if let Some((low, high)) = bar.interval {
                let low = place(low, x, inner.left, inner.right);
                let high = place(high, x, inner.left, inner.right);
                self.segment((low, middle), (high, middle), INK)?;
                for end in [low, high] {
                    self.segment((end, middle - 4), (end, middle + 4), INK)?;
                }
                right = right.max(high);
            }
            self.text(&bar.text, (right + 6, middle), 13, INK, HPos::Left)?;
        }
        self.segment((zero, inner.top), (zero, inner.bottom), FAINT)
    }

    fn pixels(&self, (x, y): (i32, i32)) -> (i32, i32) {
        (x * self.scale, y * self.scale)
    }

    fn style(&self, size: i32, colour: RGBColor) -> TextStyle<'static> {
        let size = f64::from(size * self.scale);
        let font = FontDesc::new(FontFamily::Name(FONT), size, FontStyle::Normal);
        TextStyle { color: colour.to_backend_color(), ..TextStyle::from(font) }
    }

    /// Writes a text, its middle at the height of the place.
    fn text(
        &self,
        text: &str,
        at: (i32, i32),
        size: i32,
        colour: RGBColor,
        side: HPos,
    ) -> DrawnFigure<DB> {
        if text.is_empty() {
            return Ok(());
        }
        let text = printable(text);
        let style = self.style(size, colour).pos(Pos::new(side, VPos::Center));
        self.area.draw(&Text::new(text.as_ref(), self.pixels(at), style))
    }

    fn width(&self, text: &str, size: i32) -> i32 {
        let size = self.area.estimate_text_size(text, &self.style(size, INK));
        size.map_or(0, |(width, _)| (f64::from(width) / f64::from(self.scale)).ceil() as i32)
    }

    /// Cuts a text to a width.
    fn shortened(&self, text: &str, size: i32, width: i32) -> String {
        if self.width(text, size) <= width {
            return text.into();
        }
        let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        let cut = |at: &usize| format!("{}…", text[..*at].trim_end());
        let fits = ends.partition_point(|at| self.width(&cut(at), size) <= width);
        ends.get(fits.saturating_sub(1)).map(cut).unwrap_or_default()
    }

    fn segment(&self, from: (i32, i32), to: (i32, i32), colour: RGBColor) -> DrawnFigure<DB> {
        let style = colour.stroke_width(self.scale as u32);
        self.area.draw(&PathElement::new([self.pixels(from), self.pixels(to)], style))
    }

    fn rectangle(&self, from: (i32, i32), to: (i32, i32), colour: RGBColor) -> DrawnFigure<DB> {
        self.area.draw(&Rectangle::new([self.pixels(from), self.pixels(to)], colour.filled()))
    }
}

/// Returns where a value lies between two ends.
fn place(value: f64, range: (f64, f64), from: i32, to: i32) -> i32 {
    fine(value, range, from, to, 1)
}

/// Returns where a value lies between two ends, in parts of a unit.
fn fine(value: f64, (low, high): (f64, f64), from: i32, to: i32, parts: i32) -> i32 {
    let share = if high > low { (value - low) / (high - low) } else { 0.5 };
    let (from, to) = (f64::from(from * parts), f64::from(to * parts));
    (from + share * (to - from)).round() as i32
}
