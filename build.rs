//! Puts the built pages of `web/dist` into the binary.

fn main() {
    memory_serve::load_directory_with_embed("web/dist", true);
}
