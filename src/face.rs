//! Where a face is in a picture: what a row of an index knows when it stands for a face and not for the whole picture.

/// A face that was found in a picture. Places are shares of the upright picture's width and height, so that they are right
/// at every size it is decoded to; a face that is cut off may reach beyond 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Face {
    /// Left, top, right and bottom.
    pub area: [f32; 4],
    /// Left eye, right eye, nose, left and right corner of the mouth, as the onlooker sees them; each from the left and
    /// from the top.
    pub points: [[f32; 2]; 5],
    /// How sure the detector is, from 0 to 1.
    pub score: f32,
}
