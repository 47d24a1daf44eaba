"""What the advisor puts together to be paid online by the resident, under the consent that stands."""
