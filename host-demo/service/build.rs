//! A preset that is added to the folder, or taken out of it, makes the program be built again.

fn main() {
    println!("cargo:rerun-if-changed=presets");
    println!("cargo:rerun-if-changed=build.rs");
}
