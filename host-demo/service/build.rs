//! A file that is added to the folders of presets and formats, or taken out of them, makes the program be built again.

fn main() {
    println!("cargo:rerun-if-changed=presets");
    println!("cargo:rerun-if-changed=tracking-formats");
    println!("cargo:rerun-if-changed=build.rs");
}
