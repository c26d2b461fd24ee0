//! Enums that the API has in common with the platform.

/// Defines an enum of the API with the variants of `$origin`, an enum of the platform, and both conversions.
macro_rules! enum_of {
    ($(#[$meta:meta])* $name:ident of $origin:ident { $($(#[$doc:meta])* $variant:ident),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
        )]
        #[serde(rename_all = "snake_case")]
        pub(crate) enum $name {
            $($(#[$doc])* $variant),+
        }

        impl From<$origin> for $name {
            fn from(value: $origin) -> Self {
                match value {
                    $($origin::$variant => Self::$variant),+
                }
            }
        }

        impl From<$name> for $origin {
            fn from(value: $name) -> Self {
                match value {
                    $($name::$variant => Self::$variant),+
                }
            }
        }
    };
}

pub(crate) use enum_of;
