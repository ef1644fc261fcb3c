mod reset;
