//! The thin binary.

fn main() -> anyhow::Result<()> {
    runaround::cli::run()
}
