"""`make pictures`: the screens of the studio as pictures, to be looked at and kept in docs."""
