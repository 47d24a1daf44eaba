"""Companies and associations (*personnes morales*): accounts like a family's, with people who hold cards for them."""
