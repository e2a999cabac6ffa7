//! Attributes of products of every kind of retail, as customers ask for them.

/// An attribute: field names, questions and values, each with choices cut by `|`. In questions
/// `$is`, `$does`, `$it`, `$obj` and `$of` become a pronoun or the name of the product meant.
pub(super) type Attribute = (&'static str, &'static str, &'static str);

pub(super) const ATTRIBUTES: &[Attribute] = &[
    (
        "weight",
        "how [a:heavy] $is?|how much $does [a:weigh]?|what $does [a:weigh]?|\
         and the [a:weight]?|what is the [a:weight]$of?|$is [a:heavy] to carry?|\
         $is [a:light]?",
        "$n g|$d.4 kg|$n kg",
    ),
    (
        "material|fabric|upper|outer",
        "what $is [a:made] of?|what [a:material] $is?|which [a:material] is used?|\
         $is real [a:leather]?|what [a:fabric] $is?|$is [a:plastic]?|\
         what are the [a:materials]?",
        "$m|$m and $m|90% $m, 10% $m|recycled $m",
    ),
    (
        "waterproof|water_resistance",
        "$is [a:waterproof]?|$is [a:water resistant]?|can $it get [a:wet]?|\
         will $it survive the [a:rain]?|$does keep [a:water out]?|\
         is the [a:waterproofing] any good?|$is ok in the [a:rain]?",
        "yes|no|IPX$d|splash proof",
    ),
    (
        "waterproof_rating|hydrostatic_head",
        "what is the [a:hydrostatic head]$of?|what [a:waterproof rating] $does have?|\
         how [a:waterproof] $is?|how much [a:rain] can $it take?|what mm [a:rating] is that?",
        "$n0 mm|$d000 mm",
    ),
    (
        "dimensions|size|measurements",
        "what are the [a:dimensions]$of?|how [a:big] $is?|how [a:large] $is?|\
         what are the [a:measurements]?|what [a:size] $is?|$is [a:big]?|\
         can you give me the [a:dimensions]$of?",
        "$n x $n cm|$n x $n x $d cm|$n cm tall",
    ),
    (
        "width",
        "how [a:wide] $is?|what's the [a:width]$of?|and the [a:width]?|$is [a:wide]?",
        "$n cm|$n mm",
    ),
    (
        "height",
        "how [a:tall] $is?|how [a:high] $is?|what is the [a:height]$of?|and [a:height]?",
        "$n cm|$n mm",
    ),
    (
        "length",
        "how [a:long] $is?|what is the [a:length]$of?|[a:length]?|what [a:length] $is?",
        "$n cm|$d m",
    ),
    (
        "depth",
        "how [a:deep] $is?|what's the [a:depth]$of?|and how [a:deep]?",
        "$n cm",
    ),
    (
        "diameter",
        "what is the [a:diameter]$of?|how wide $is [a:across]?|what [a:diameter] $is?|\
         and the [a:diameter]?",
        "$n cm|$n mm",
    ),
    (
        "thickness",
        "how [a:thick] $is?|what's the [a:thickness]$of?|$is [a:thick]?|\
         and the [a:thickness]?",
        "$n mm|$d cm",
    ),
    (
        "capacity|volume",
        "how much $does [a:hold]?|how much water $does [a:hold]?|\
         what is the [a:capacity]$of?|how many [a:litres] $is?|what [a:volume] $does have?|\
         how much can $it [a:hold]?|how many [a:litres] does that take?",
        "$d l|$n ml|$d.5 litres",
    ),
    (
        "battery_life|runtime",
        "how long does the [a:battery last]?|what's the [a:battery life] like?|\
         whats the [a:battery life]$of|how long will the [a:battery last]?|\
         how long does a [a:charge last]?|is the [a:battery] any good?|\
         how many hours of [a:battery] $does have?",
        "$n hours|up to $n h|$d days",
    ),
    (
        "charging_time|charging",
        "how long $does take to [a:charge]?|what is the [a:charging time]$of?|\
         how fast $does [a:charge]?|how is it [a:charged]?|$does [a:charge quickly]?",
        "$d hours|$n minutes|by USB-C",
    ),
    (
        "battery_type|batteries",
        "what [a:batteries] $does need?|$does need [a:batteries]?|\
         are [a:batteries included]?|which [a:batteries] $does take?|\
         does that run on [a:batteries]?",
        "$d AA|$d AAA, included|CR2032|not included",
    ),
    (
        "power|wattage",
        "how many [a:watts] $is?|what [a:power] $does have?|how [a:powerful] $is?|\
         what's the [a:wattage]$of?|$is [a:powerful]?",
        "$n W|$n watts",
    ),
    (
        "voltage",
        "what [a:voltage] $does run on?|what is the [a:voltage]$of?|how many [a:volts] $is?|\
         will that work with UK [a:voltage]?",
        "$n V|230 V",
    ),
    (
        "warranty",
        "how long is the [a:warranty]?|$does have a [a:warranty]?|\
         what [a:warranty] $does come with?|$does come with a [a:guarantee]?|\
         how long is the [a:guarantee]$of?|is there a [a:guarantee]?|\
         how long $is [a:guaranteed] for?",
        "$d years|1 year|$n months",
    ),
    (
        "care|cleaning|washing",
        "can i [a:wash] $obj?|how do i [a:clean] $obj?|$is [a:machine washable]?|\
         how should i [a:wash] $obj?|any [a:care instructions]?|\
         can i put it in the [a:dryer]?|$is [a:washable]?|$is easy to [a:clean]?",
        "wash at 30 degrees|wipe with a damp cloth|hand wash only|machine washable at 40",
    ),
    (
        "dishwasher_safe",
        "$is [a:dishwasher safe]?|can $it go in the [a:dishwasher]?|\
         is the [a:dishwasher] ok?|$is safe in the [a:dishwasher]?",
        "yes|no|top rack only",
    ),
    (
        "oven_safe",
        "$is [a:oven safe]?|can $it go in the [a:oven]?|can i put it in the [a:oven]?|\
         what [a:oven temperature] can it take?",
        "yes|no|up to $n C",
    ),
    (
        "microwave_safe",
        "$is [a:microwave safe]?|can $it go in the [a:microwave]?|\
         is that ok in the [a:microwave]?|can i [a:microwave] $obj?",
        "yes|no|without the lid",
    ),
    (
        "freezer_safe",
        "$is [a:freezer safe]?|can i put it in the [a:freezer]?|can $it be [a:frozen]?",
        "yes|no",
    ),
    (
        "hob_types|hobs|induction",
        "$does work on [a:induction]?|which [a:hobs] $does work on?|\
         $is ok for an [a:induction hob]?|can i use it on [a:gas]?|what [a:hobs] $is for?|\
         $is suitable for [a:induction]?",
        "gas, electric, induction|all but induction|yes|no",
    ),
    (
        "origin|made_in",
        "where $is [a:made]?|which [a:country] $does come from?|where was it [a:produced]?|\
         country of [a:origin]?|where $is [a:manufactured]?|$is [a:made] in the UK?",
        "Portugal|Italy|Vietnam|Germany|India|Turkey",
    ),
    (
        "age|recommended_age",
        "from what [a:age] $is?|what [a:age] $is for?|$is safe for [a:toddlers]?|\
         how [a:old] should a child be for it?|$is suitable for a baby's [a:age]?|\
         what [a:age range] $is?",
        "from $d years|$d to $n years|$d+",
    ),
    (
        "noise|noise_level",
        "how [a:loud] $is?|$is [a:quiet]?|how [a:noisy] $is?|$does make much [a:noise]?|\
         what's the [a:noise level]$of?",
        "$n dB|very quiet",
    ),
    (
        "connectivity|connection",
        "$does have [a:bluetooth]?|how $does [a:connect]?|$does support [a:wifi]?|\
         can i [a:connect] $obj to my phone?|$does come with [a:usb]?",
        "Bluetooth 5|USB-C|wifi|Bluetooth and cable",
    ),
    (
        "max_load|load",
        "how much weight can $it [a:carry]?|what's the [a:maximum load]$of?|\
         how much can $it [a:bear]?|how much weight can $it [a:take]?|\
         what [a:load] can $it take?",
        "$n kg",
    ),
    (
        "ingredients",
        "what are the [a:ingredients]?|$does contain [a:nuts]?|what's [a:inside]?|\
         any [a:allergens] in it?|what [a:ingredients] are in it?",
        "sugar, $m, salt|no nuts|plant based",
    ),
    (
        "vegan",
        "$is [a:vegan]?|are there [a:animal products] in it?|$is suitable for [a:vegans]?|\
         $is [a:cruelty free]?",
        "yes|no",
    ),
    (
        "brightness|lumens",
        "how [a:bright] $is?|what [a:brightness] $does have?|how many [a:lumens] $is?|\
         $is [a:bright enough] for a path?|how much [a:light] $does give?",
        "$n lumens|$n lm",
    ),
    (
        "beam_distance|range",
        "how far does the [a:beam reach]?|what is the [a:beam distance]$of?|\
         how far $does [a:shine]?|what's the [a:range]$of?|what [a:range] $does have?|\
         how [a:far] $does reach?",
        "$n m|$d km",
    ),
    (
        "colour_temperature",
        "what is the [a:colour temperature]?|$is [a:warm white]?|\
         $is a warm or cold [a:light]?|how many [a:kelvin] $is?",
        "$d700 K|warm white|daylight",
    ),
    (
        "dimmable",
        "$is [a:dimmable]?|can $it be [a:dimmed]?|can i [a:dim] $obj?|\
         $does work with a [a:dimmer]?",
        "yes|no",
    ),
    (
        "bulb|fitting",
        "what [a:bulb] $does take?|which [a:bulb] $does need?|is a [a:bulb included]?|\
         what [a:fitting] $is?|what's the [a:bulb type]?",
        "E$n|GU10|LED, included",
    ),
    (
        "fit|cut",
        "how $does [a:fit]?|$does run [a:small]?|what's the [a:fit] like?|\
         $is [a:true to size]?|$is a [a:tight fit]?|do they come up [a:small]?",
        "true to size|slim|wide|runs small",
    ),
    (
        "filling|fill",
        "what is the [a:filling]?|what $is [a:filled] with?|what [a:filling] $does have?|\
         $is [a:down] or synthetic?|what's the [a:fill]$of?",
        "$m|down|polyester",
    ),
    (
        "insulation",
        "what [a:insulation] $does have?|how well $is [a:insulated]?|$is [a:insulated]?|\
         what's the [a:insulation] like?|$is [a:warm]?",
        "$m|synthetic, $n g|down",
    ),
    (
        "lining",
        "what is the [a:lining]?|$does have a [a:lining]?|$is [a:lined]?|\
         what [a:lining] $does have?",
        "$m|fleece|none",
    ),
    (
        "temperature|comfort",
        "what [a:temperature] $is for?|how [a:warm] $is?|how [a:cold] can it get in it?|\
         what is the [a:comfort temperature]$of?|what [a:temperature] $is comfortable to?|\
         down to what [a:temperature] can i use it?",
        "down to $d degrees|-$d C|$n C",
    ),
    (
        "sleeps|persons|people",
        "how many people $does [a:sleep]?|how many [a:people fit] in?|\
         how many [a:persons] $is for?|$is big enough for four [a:people]?|\
         how many $does [a:sleep]?|$does [a:sleep] a family?",
        "$d|$d people",
    ),
    (
        "season|season_rating|seasons",
        "what [a:season] $is for?|$is ok for [a:winter]?|what's the [a:season rating]$of?|\
         how many [a:seasons] $is?|can i use it in [a:winter]?",
        "$d|3 season|all year",
    ),
    (
        "packed_size|pack_size",
        "what is the [a:packed size]$of?|how small $does [a:pack]?|\
         how big $is when [a:packed]?|$does [a:pack small]?|what size $is when [a:rolled]?",
        "$n x $n cm|$n cm x $d cm",
    ),
    (
        "setup_time|pitching",
        "how many minutes to [a:pitch] $obj?|how long does the [a:setup take]?|\
         $is easy to [a:pitch]?|how fast can i [a:pitch] $obj?|how easy is the [a:setup]?",
        "$n minutes|$d minutes",
    ),
    (
        "poles",
        "what are the [a:poles made] of?|how many [a:poles] $does have?|\
         are the [a:poles] any good?|what [a:poles] $does come with?",
        "$m|$d, aluminium|fibreglass",
    ),
    (
        "groundsheet",
        "$does have a [a:groundsheet]?|is a [a:groundsheet included]?|\
         is the [a:groundsheet sewn] in?|what's the [a:groundsheet] like?",
        "sewn in|included|none",
    ),
    (
        "keeps_hot|hot_for",
        "how long $does [a:keep tea hot]?|how long $does keep drinks [a:hot]?|\
         how many hours $does stay [a:hot]?|will my coffee stay [a:hot]?|\
         how long will $it keep coffee [a:warm]?",
        "$n hours|$d h",
    ),
    (
        "keeps_cold|cold_for",
        "how long $does keep drinks [a:cold]?|how long $does stay [a:cold]?|\
         $does keep water [a:cold]?|how many hours will $it keep things [a:cool]?",
        "$n hours|$d h",
    ),
    (
        "leakproof|lid|leak_proof",
        "$is [a:leakproof]?|does the [a:lid leak]?|can $it [a:leak] in my bag?|\
         $does [a:leak]?|what's the [a:lid] like?|does the [a:lid close tight]?|\
         $does have a [a:lid]?",
        "yes|no|screw lid|push button",
    ),
    (
        "spout",
        "$does have a [a:spout]?|does the [a:spout drip]?|what [a:spout] $does have?|\
         how $does [a:pour]?",
        "gooseneck|straw|none",
    ),
    (
        "bpa",
        "$is [a:bpa free]?|$does contain [a:bpa]?|is there any [a:bpa] in it?|\
         is the plastic without [a:bpa]?",
        "none|no BPA",
    ),
    (
        "tog",
        "what [a:tog] $is?|what's the [a:tog]$of?|which [a:tog] $does have?|\
         and the [a:tog rating]?",
        "$d|$d.5",
    ),
    (
        "thread_count",
        "what is the [a:thread count]$of?|what [a:thread count] $does have?|\
         how many [a:threads] $does have?|and the [a:thread count]?",
        "$n|200",
    ),
    (
        "gsm|fabric_weight",
        "what [a:gsm] $is?|what's the [a:gsm]$of?|how many [a:gsm]?|\
         how [a:thick] is the fabric?",
        "$n gsm|$n g/m2",
    ),
    (
        "weave|knit",
        "what [a:weave] $is?|how $is [a:woven]?|what kind of [a:knit] $is?|\
         what's the [a:weave] like?",
        "percale|sateen|twill|rib",
    ),
    (
        "pile",
        "how long is the [a:pile]?|what's the [a:pile] like?|$is [a:fluffy]?|\
         $does have a deep [a:pile]?",
        "$d mm|short|long",
    ),
    (
        "blade_length|blade",
        "how long is the [a:blade]?|what is the [a:blade length]$of?|what [a:steel] $is?|\
         what's the [a:blade made] of?|how [a:sharp] $is?|$does have a serrated [a:blade]?",
        "$n cm|stainless steel|$n mm",
    ),
    (
        "handle|handles",
        "what is the [a:handle made] of?|does the [a:handle] get hot?|\
         $does have a [a:handle]?|what's the [a:handle] like?|is the [a:handle removable]?|\
         how long is the [a:handle]?",
        "$m|stays cool|$n cm",
    ),
    (
        "coating",
        "what [a:coating] $does have?|$is [a:non stick]?|what's the [a:coating]$of?|\
         is there [a:teflon] in it?|$does have a [a:non-stick coating]?",
        "ceramic|none|non-stick",
    ),
    (
        "slots",
        "how many [a:slots] $does have?|how many [a:slices] can $it toast?|\
         how wide are the [a:slots]?|$is a four [a:slot]?",
        "$d|two|four, wide",
    ),
    (
        "cord_length|cable|cable_length",
        "how long is the [a:cord]?|what is the [a:cord length]$of?|\
         how long is the [a:cable]?|what [a:cable] $does come with?|\
         $does have a long [a:cable]?|is the [a:lead long]?",
        "$d m|$n cm",
    ),
    (
        "settings|modes|speeds",
        "how many [a:settings] $does have?|what [a:modes] $does have?|\
         how many [a:speeds] are there?|which [a:settings] are there?|\
         $does have different [a:speeds]?",
        "$d|low, medium, high",
    ),
    (
        "timer",
        "$does have a [a:timer]?|how long is the [a:timer]?|can i set a [a:timer]?|\
         is there a [a:timer] on it?",
        "yes|$n minutes|no",
    ),
    (
        "auto_off|auto_shut_off",
        "$does have [a:auto off]?|$does [a:turn off] by itself?|\
         $does [a:switch off] when it boils?|is there an [a:auto shut off]?",
        "yes|after $n minutes|no",
    ),
    (
        "energy_rating|energy",
        "what [a:energy rating] $does have?|how much [a:electricity] $does use?|\
         what's the [a:energy class]$of?|$is [a:energy efficient]?",
        "A|B|$n kWh",
    ),
    (
        "wheel_size|wheels",
        "what is the [a:wheel size]$of?|how big are the [a:wheels]?|\
         what [a:wheels] $does have?|$does have [a:wheels]?|how many [a:wheels]?|\
         do the [a:wheels turn]?",
        "$n inch|$d|four, swivel",
    ),
    (
        "gears|gear_count",
        "how many [a:gears] $does have?|what [a:gears] $does have?|$does have [a:gears]?|\
         and how many [a:gears]?",
        "$d|$n|single speed",
    ),
    (
        "brakes",
        "what [a:brakes] $does have?|$does have disc [a:brakes]?|\
         what kind of [a:brakes] $is?|are the [a:brakes] any good?",
        "disc|rim|hydraulic disc",
    ),
    (
        "frame|frame_size",
        "what is the [a:frame made] of?|what [a:frame] $does have?|which [a:frame size] $is?|\
         is the [a:frame steel]?|how strong is the [a:frame]?",
        "$m|$n cm|aluminium",
    ),
    (
        "tyre|tyres",
        "what [a:tyres] $does have?|how wide are the [a:tyres]?|\
         what is the [a:tyre size]$of?|which [a:tyre] $does fit?|\
         are the [a:tyres puncture proof]?",
        "$n mm|$n x $d|puncture resistant",
    ),
    (
        "suspension",
        "$does have [a:suspension]?|what [a:suspension] $does have?|\
         how good is the [a:suspension]?|is there any [a:suspension] on it?",
        "front|none|$n mm",
    ),
    (
        "security_rating|security",
        "what is the [a:security rating]$of?|how [a:secure] $is?|\
         what [a:security level] $does have?|$is [a:sold secure]?|\
         how good is the [a:security]?",
        "gold|silver|level $d",
    ),
    (
        "lock|lock_type",
        "$does have a [a:lock]?|can i [a:lock] $obj?|what [a:lock] $does have?|\
         $does come with [a:keys]?|is there a [a:lock] on it?|$does [a:lock]?",
        "combination|key, two included|none",
    ),
    (
        "mounting|mount",
        "how $is [a:mounted]?|how do i [a:attach] $obj?|what [a:mount] $does need?|\
         $does come with [a:screws]?|can i [a:mount] $obj on a wall?",
        "clip|wall, with screws|rubber strap",
    ),
    (
        "visibility|reflective",
        "$is [a:reflective]?|how [a:visible] $is?|does it have [a:reflective strips]?|\
         can drivers [a:see] me in it?|what's the [a:visibility] like?",
        "$n m|yes|no",
    ),
    (
        "screen|display|screen_size",
        "how big is the [a:screen]?|what [a:screen] $does have?|$does have a [a:screen]?|\
         what is the [a:screen size]$of?|$is a [a:touchscreen]?|what's the [a:display] like?",
        "$d.5 inch|OLED|$n inch",
    ),
    (
        "resolution",
        "what [a:resolution] $is?|what is the [a:resolution]$of?|\
         how many [a:megapixels] $does have?|is the [a:resolution good]?|$does do [a:4k]?",
        "$n MP|4K|1080p",
    ),
    (
        "ports",
        "how many [a:ports] $does have?|what [a:ports] are there?|\
         $does have an [a:hdmi port]?|which [a:ports] $does have?|$does have [a:usb c]?",
        "$d USB-C|HDMI, USB|$d",
    ),
    (
        "storage|memory",
        "how much [a:storage] $does have?|how many [a:gigabytes] $is?|\
         what [a:memory] $does have?|can i expand the [a:storage]?|what's the [a:storage]$of?",
        "$n GB|$d TB",
    ),
    (
        "ram",
        "how much [a:ram] $does have?|what [a:ram] is in it?|and the [a:ram]?|\
         how many gigs of [a:ram]?",
        "$d GB|$n GB",
    ),
    (
        "processor",
        "what [a:processor] $does have?|which [a:chip] $does use?|\
         what's the [a:processor]$of?|how fast is the [a:processor]?",
        "$d cores|$n GHz",
    ),
    (
        "operating_system|software",
        "what [a:operating system] $does run?|which [a:software] $does use?|\
         $does run [a:android]?|is there an [a:app] for it?",
        "Android $d|own app|Linux",
    ),
    (
        "compatibility|fits|works_with",
        "$does work with [a:$v]?|$is [a:compatible] with $v?|$does fit a [a:$v]?|\
         can i use it with an [a:iphone]?|what $is [a:compatible] with?|\
         will that [a:work] with my $v?",
        "most models|$n mm|$v only",
    ),
    (
        "sound|speaker|drivers",
        "what's the [a:sound] like?|how good is the [a:sound]?|$does have a [a:speaker]?|\
         what [a:drivers] $does have?|is the [a:sound quality good]?",
        "$n mm|stereo|$n W",
    ),
    (
        "noise_cancelling",
        "$does have [a:noise cancelling]?|$is [a:noise cancelling]?|\
         how good is the [a:noise cancelling]?|$does block out [a:noise]?",
        "active|passive|no",
    ),
    (
        "microphone",
        "$does have a [a:microphone]?|is there a [a:mic] on it?|\
         can i make [a:calls] with it?|how good is the [a:microphone]?",
        "yes|no|dual",
    ),
    (
        "camera",
        "$does have a [a:camera]?|how good is the [a:camera]?|what [a:camera] $does have?|\
         what's the [a:camera] like?",
        "$n MP|none",
    ),
    (
        "refresh_rate",
        "what [a:refresh rate] $does have?|what is the [a:refresh rate]$of?|\
         how many [a:hertz] $is?|and the [a:refresh rate]?",
        "$n Hz",
    ),
    (
        "speed|top_speed",
        "how [a:fast] $is?|what's the [a:top speed]$of?|how [a:fast] $does go?|\
         what [a:speed] can $it do?",
        "$n km/h|$n rpm",
    ),
    (
        "torque",
        "what [a:torque] $does have?|how much [a:torque] $does have?|\
         what is the [a:torque]$of?|and the [a:torque]?",
        "$n Nm",
    ),
    (
        "chuck|bit_size",
        "what [a:chuck] $does have?|what [a:bits] $does take?|how big is the [a:chuck]?|\
         which [a:bits fit]?",
        "$n mm|hex|keyless",
    ),
    (
        "pressure",
        "what [a:pressure] $does have?|how much [a:pressure] can $it take?|\
         what is the [a:maximum pressure]$of?|how many [a:bar] $is?",
        "$n bar|$n psi",
    ),
    (
        "heel_height|heel",
        "how high is the [a:heel]?|what is the [a:heel height]$of?|what [a:heel] $does have?|\
         $does have a [a:heel]?|are the [a:heels high]?",
        "$d cm|$n mm|flat",
    ),
    (
        "sole",
        "what [a:sole] $does have?|what is the [a:sole made] of?|is the [a:sole grippy]?|\
         how thick is the [a:sole]?|do the [a:soles grip] on ice?",
        "rubber|$m|Vibram",
    ),
    (
        "grip|tread",
        "how good is the [a:grip]?|what [a:tread] $does have?|do they [a:slip]?|\
         what's the [a:grip] like on wet rock?|$is [a:slippery]?",
        "deep lugs|$d mm|non-slip",
    ),
    (
        "closure|fastening",
        "how $does [a:close]?|what [a:closure] $does have?|$does have a [a:zip]?|\
         how do they [a:fasten]?|are there [a:laces] or velcro?|what's the [a:fastening]$of?",
        "zip|laces|buttons|velcro|magnet",
    ),
    (
        "insole",
        "what [a:insole] $does have?|are the [a:insoles removable]?|\
         can i take the [a:insole out]?|what is the [a:insole] like?",
        "removable|cork|memory foam",
    ),
    (
        "toe_cap|toe",
        "$does have a steel [a:toe cap]?|what [a:toe cap] $does have?|\
         how wide is the [a:toe box]?|is the [a:toe protected]?",
        "steel|composite|wide",
    ),
    (
        "ankle|ankle_support",
        "$does give [a:ankle support]?|how high is the [a:ankle]?|\
         how good is the [a:ankle support]?|do they support the [a:ankle]?",
        "high|mid|low",
    ),
    (
        "breathable|breathability",
        "$is [a:breathable]?|how [a:breathable] $is?|will i [a:sweat] in it?|\
         $does let the [a:sweat out]?",
        "yes|$n0 g|mesh",
    ),
    (
        "neckline|collar|neck",
        "what [a:neckline] $does have?|what kind of [a:neck] $is?|$does have a [a:collar]?|\
         $is a [a:v neck]?",
        "crew|v-neck|roll neck|button down",
    ),
    (
        "sleeve|sleeves|sleeve_length",
        "how long are the [a:sleeves]?|$does have long [a:sleeves]?|\
         what [a:sleeves] $does have?|$is [a:short sleeved]?|\
         what is the [a:sleeve length]$of?",
        "long|short|$n cm",
    ),
    (
        "pockets",
        "how many [a:pockets] $does have?|$does have [a:pockets]?|are there any [a:pockets]?|\
         do the [a:pockets] have zips?|where are the [a:pockets]?",
        "$d|two, with zips|none",
    ),
    (
        "hood",
        "$does have a [a:hood]?|is the [a:hood removable]?|\
         does the [a:hood fit] over a helmet?|is there a [a:hood] on it?|\
         what's the [a:hood] like?",
        "removable|fixed|none",
    ),
    (
        "waist|rise",
        "what is the [a:waist] like?|is the [a:waist elastic]?|what [a:rise] $is?|\
         how high is the [a:waist]?",
        "elastic|high|$n cm",
    ),
    (
        "stretch|elastane",
        "$does [a:stretch]?|$is [a:stretchy]?|how much [a:stretch] $does have?|\
         how much [a:elastane] is in it?",
        "$d%|four way|none",
    ),
    (
        "uv_protection|upf",
        "$does have [a:uv protection]?|what [a:upf] $is?|what [a:uv protection] $does give?|\
         does it protect from the [a:sun]?",
        "UPF $n|UV400",
    ),
    (
        "lens|lenses",
        "what [a:lenses] $does have?|are the [a:lenses polarised]?|\
         what is the [a:lens made] of?|can the [a:lenses] be changed?",
        "polarised|$m|category $d",
    ),
    (
        "seat_height",
        "how high is the [a:seat]?|what is the [a:seat height]$of?|and the [a:seat height]?|\
         what [a:seat height] $does have?",
        "$n cm",
    ),
    (
        "seats|seating",
        "how many people $does [a:seat]?|how many can [a:sit] at it?|\
         how many [a:seats] $does have?|will four people [a:fit]?|$does [a:seat six]?",
        "$d|$d people",
    ),
    (
        "foldable|fold|folded_size",
        "$does [a:fold]?|$is [a:foldable]?|can i [a:fold] $obj?|how big $is when [a:folded]?|\
         does that [a:fold flat]?|what's the [a:folded size]$of?",
        "yes|no|$n x $n cm",
    ),
    (
        "drawers|drawer_count",
        "how many [a:drawers] $does have?|do the [a:drawers close softly]?|\
         are there [a:drawers] in it?|how deep are the [a:drawers]?",
        "$d|soft close|none",
    ),
    (
        "shelves",
        "how many [a:shelves] $does have?|are the [a:shelves adjustable]?|\
         can i move the [a:shelves]?|how deep are the [a:shelves]?",
        "$d|adjustable|fixed",
    ),
    (
        "adjustable|adjustment",
        "$is [a:adjustable]?|can i [a:adjust] $obj?|can the height be [a:adjusted]?|\
         how $does [a:adjust]?",
        "yes|no|$n to $n cm",
    ),
    (
        "assembly",
        "$does need [a:assembly]?|do i have to [a:assemble] $obj?|$does come [a:assembled]?|\
         how hard is the [a:assembly]?|$is easy to [a:put together]?",
        "required, $n minutes|none|no tools needed",
    ),
    (
        "finish|surface",
        "what [a:finish] $does have?|$is [a:matt] or glossy?|what is the [a:finish] like?|\
         how is the [a:surface]?|$is [a:varnished]?",
        "matt|gloss|oiled|lacquered",
    ),
    (
        "firmness",
        "how [a:firm] $is?|$is [a:soft]?|what's the [a:firmness]$of?|how [a:hard] $is?",
        "medium|firm|soft",
    ),
    (
        "cover|removable_cover",
        "is the [a:cover removable]?|can i take the [a:cover off]?|\
         does the [a:cover come off]?|can the [a:cover] be washed?|\
         $does come with a [a:cover]?",
        "removable|zip|not removable",
    ),
    (
        "growing_height|mature_height",
        "how tall $does [a:grow]?|how high will $it [a:grow]?|\
         what is the [a:growing height]$of?|how big will $it [a:grow]?",
        "$n cm|$d m",
    ),
    (
        "flowering_time|flowering|bloom",
        "when $does [a:flower]?|when $does [a:bloom]?|what is the [a:flowering time]$of?|\
         when will $it [a:blossom]?",
        "May to July|spring|June",
    ),
    (
        "sowing|sowing_time|planting",
        "when do i [a:sow] $obj?|when should i [a:plant] $obj?|when is the [a:sowing time]?|\
         how deep do i [a:plant] $obj?|how far apart do i [a:plant] $obj?",
        "March to May|$d cm deep|autumn",
    ),
    (
        "light|position|sunlight",
        "$does need full [a:sun]?|how much [a:light] $does need?|\
         can $it grow in the [a:shade]?|what [a:position] $does like?",
        "full sun|half shade|bright",
    ),
    (
        "watering|water",
        "how often do i [a:water] $obj?|how much [a:water] $does need?|\
         $does need a lot of [a:watering]?|when do i [a:water] $obj?",
        "weekly|every $d days",
    ),
    (
        "hardy|hardiness",
        "$is [a:hardy]?|$does survive [a:frost]?|$is [a:frost proof]?|\
         can $it stay [a:outside] in winter?",
        "to -$d C|yes|no",
    ),
    (
        "pot_size|pot",
        "what [a:pot] $does come in?|how big is the [a:pot]?|what is the [a:pot size]$of?|\
         is the [a:pot included]?",
        "$n cm|$d l",
    ),
    (
        "drainage",
        "$does have [a:drainage holes]?|is there a [a:hole] in the bottom?|\
         how is the [a:drainage]?|$does have [a:drainage]?",
        "yes|no|one hole",
    ),
    (
        "nozzle|spray",
        "what [a:nozzle] $does have?|$does come with a [a:nozzle]?|\
         how many [a:spray patterns] $does have?|is the [a:nozzle included]?|\
         what's the [a:spray] like?",
        "brass|$d patterns|included",
    ),
    (
        "hose_length",
        "how long is the [a:hose]?|what is the [a:hose length]$of?|\
         what [a:hose] $does come with?|does the [a:hose reach far]?",
        "$n m|$d m",
    ),
    (
        "cutting_width|cutting_height",
        "what is the [a:cutting width]$of?|how wide $does [a:cut]?|how low can $it [a:cut]?|\
         how thick a branch can $it [a:cut]?",
        "$n cm|$n mm",
    ),
    (
        "coverage|area",
        "how big an [a:area] $does cover?|how much $does [a:cover]?|\
         what is the [a:coverage]$of?|how many [a:square metres] $does do?|\
         how far does a tin [a:go]?",
        "$n m2|$n square metres",
    ),
    (
        "drying_time",
        "how long $does take to [a:dry]?|what is the [a:drying time]$of?|\
         how fast $does [a:dry]?|$does [a:dry quickly]?",
        "$d hours|$n minutes",
    ),
    (
        "pages|page_count",
        "how many [a:pages] $does have?|what is the [a:page count]$of?|\
         how thick is the book, how many [a:pages]?|and how many [a:sheets]?",
        "$n|$n pages",
    ),
    (
        "ruling|ruled",
        "$is [a:ruled]?|$is [a:lined] or plain?|what [a:ruling] $does have?|\
         does it have [a:dotted pages]?",
        "lined|dotted|plain|squared",
    ),
    (
        "paper|paper_weight",
        "what [a:paper] $is?|how thick is the [a:paper]?|what is the [a:paper weight]$of?|\
         does ink show through the [a:paper]?|is the [a:paper recycled]?",
        "$n gsm|recycled|acid free",
    ),
    (
        "ink|ink_colour",
        "what [a:ink] $does use?|what colour is the [a:ink]?|does the [a:ink smudge]?|\
         is the [a:ink waterproof]?|which [a:refills] $does take?",
        "blue|gel|black, quick drying",
    ),
    (
        "nib|tip",
        "what [a:nib] $does have?|how fine is the [a:nib]?|how thick is the [a:tip]?|\
         what is the [a:nib size]$of?",
        "0.$d mm|fine|medium",
    ),
    (
        "binding",
        "what [a:binding] $does have?|how $is [a:bound]?|does that lie [a:flat]?|\
         $is a [a:hardcover]?",
        "stitched|spiral|hardback",
    ),
    (
        "language|author",
        "what [a:language] $is in?|who is the [a:author]?|$is in [a:english]?|\
         who [a:wrote] it?",
        "English|French|German",
    ),
    (
        "scent|fragrance",
        "what $does [a:smell] of?|what [a:scent] $is?|$is [a:scented]?|\
         $does [a:smell strong]?|$is [a:perfumed]?|what's the [a:fragrance]$of?",
        "$v|unscented|lavender|citrus",
    ),
    (
        "burn_time",
        "how long $does [a:burn]?|what is the [a:burn time]$of?|\
         how many hours $does [a:burn]?|how long will $it [a:burn] for?",
        "$n hours|$n h",
    ),
    (
        "wick|wax",
        "what [a:wax] $is?|what is the [a:wick made] of?|$is real [a:beeswax]?|$is [a:soy]?",
        "soy|cotton|beeswax",
    ),
    (
        "spf|sun_protection",
        "what [a:spf] $is?|$does have an [a:spf]?|how high is the [a:sun protection]?|\
         what's the [a:factor]$of?",
        "$n|50",
    ),
    (
        "skin_type|skin",
        "what [a:skin] $is for?|$is ok for [a:sensitive skin]?|which [a:skin type] $is for?|\
         can i use it on [a:dry skin]?|$is suitable for my [a:skin]?",
        "all|dry|sensitive|oily",
    ),
    (
        "hair_type",
        "what [a:hair] $is for?|$is good for [a:curly hair]?|which [a:hair type] $is for?|\
         can i use it on [a:dyed hair]?",
        "all|dry|curly|fine",
    ),
    (
        "shelf_life|expiry",
        "how long $does [a:keep]?|when $does [a:expire]?|what is the [a:shelf life]$of?|\
         what's the [a:best before date]?|how long will $it stay [a:fresh]?",
        "$n months|$d years|$n days",
    ),
    (
        "usage|application|directions",
        "how do i [a:use] $obj?|how often should i [a:use] $obj?|how do i [a:apply] $obj?|\
         are there [a:directions] for it?",
        "twice a day|apply thinly|leave for $d minutes",
    ),
    (
        "caffeine|strength",
        "how [a:strong] $is?|how much [a:caffeine] is in it?|$is [a:decaf]?|\
         what's the [a:strength]$of?",
        "$d|$n mg|none",
    ),
    (
        "flavour|taste",
        "what $does [a:taste] like?|what [a:flavour] $is?|$is [a:sweet]?|\
         what are the [a:flavours]?",
        "$v|sweet|mild",
    ),
    (
        "servings|portions",
        "how many [a:servings] $is?|how many people $does [a:feed]?|\
         how many [a:cups] $does make?|how many [a:portions] are in it?",
        "$d|$n cups",
    ),
    (
        "breed_size|dog_size",
        "what [a:dogs] $is for?|which [a:breeds] $is for?|$is ok for a [a:big dog]?|\
         what [a:breed size] $is?|will that fit a [a:labrador]?",
        "small|large|up to $n kg",
    ),
    (
        "chew_strength|durability|toughness",
        "will my dog [a:destroy] $obj?|how [a:tough] $is?|$is [a:durable]?|\
         how [a:strong] $is?|can $it stand a strong [a:chewer]?|what [a:chew strength] $is?",
        "tough|medium|$d of 10",
    ),
    (
        "pet_age|life_stage",
        "$is for [a:puppies]?|what [a:life stage] $is for?|$is ok for an [a:older cat]?|\
         can [a:kittens] have it?",
        "adult|puppy|senior",
    ),
    (
        "squeaker|sound_effects",
        "$does [a:squeak]?|$does have a [a:squeaker]?|$does make [a:sounds]?|\
         what [a:sounds] $does make?",
        "yes|no",
    ),
    (
        "players|player_count",
        "how many [a:players] $is for?|how many people can [a:play]?|\
         can two people [a:play]?|how many can [a:play] at once?|what [a:player count] $is?",
        "$d|2 to $d|1 to 4",
    ),
    (
        "playing_time",
        "how long does a [a:game take]?|how long is a [a:round]?|\
         what is the [a:playing time]$of?|how long $does take to [a:play]?",
        "$n minutes|$d hours",
    ),
    (
        "pieces|contents|in_the_box",
        "how many [a:pieces] $does have?|what's in the [a:box]?|how many [a:parts]?|\
         what is [a:included]?|how many [a:pieces] are in the set?|\
         what else comes in the [a:box]?",
        "$n pieces|$d parts|$n",
    ),
    (
        "quantity|pack",
        "how many are in a [a:pack]?|how many for one [a:pack]?|\
         how many come in the [a:pack]?|$is a [a:pair]?|are they sold as a [a:set]?",
        "$d|pack of $d|$n",
    ),
    (
        "difficulty|level",
        "how [a:hard] $is?|$is good for [a:beginners]?|what [a:level] $is?|\
         $is [a:difficult]?|what's the [a:difficulty]$of?",
        "easy|medium|$d of 10",
    ),
    (
        "cabin_approved|cabin_size",
        "$is [a:cabin approved]?|can i take it as [a:hand luggage]?|\
         $is ok for the [a:cabin]?|will ryanair [a:allow] it?|$does fit the [a:cabin size]?",
        "yes|no|most airlines",
    ),
    (
        "laptop_size|laptop",
        "what [a:laptop fits] in?|$does fit a 15 inch [a:laptop]?|\
         is there a [a:laptop compartment]?|how big a [a:laptop fits] in?|\
         what is the [a:laptop size]?",
        "$n inch|up to 15 inch",
    ),
    (
        "compartments",
        "how many [a:compartments] $does have?|what [a:compartments] are there?|\
         $does have a [a:bottle holder]?|how is it [a:divided]?",
        "$d|main and front|one",
    ),
    (
        "strap|straps|strap_length",
        "how long is the [a:strap]?|$does have a [a:strap]?|are the [a:straps padded]?|\
         is the [a:strap adjustable]?|what [a:strap] $does have?",
        "$n cm|adjustable|padded",
    ),
    (
        "back_length|torso",
        "what [a:back length] $is for?|how long is the [a:back]?|\
         does the [a:hip belt come off]?|what [a:torso] $does fit?",
        "$n cm|adjustable",
    ),
    (
        "spare_parts|spares",
        "can i get [a:spare parts]?|are there [a:spares] for it?|\
         do you sell [a:replacement parts]?|is there a spare [a:filter]?|\
         can $it be [a:repaired]?",
        "available|10 years|on request",
    ),
    (
        "certification|certificates|standard",
        "what [a:certification] $does have?|$is [a:certified]?|$is [a:organic]?|\
         $is [a:fair trade]?|does that meet the [a:safety standard]?|is it [a:ce marked]?",
        "GOTS|CE|EN $n|FSC",
    ),
    (
        "recyclable|recycled",
        "$is [a:recyclable]?|can i [a:recycle] $obj?|$is [a:recycled]?|$is [a:eco friendly]?|\
         how much is [a:recycled]?",
        "yes|$d0%|no",
    ),
    (
        "accessories|case",
        "what [a:accessories] $does come with?|$does come with a [a:case]?|\
         is a [a:bag included]?|are [a:accessories included]?|\
         is there a [a:charger] in the box?",
        "case|bag and brush|none",
    ),
    (
        "installation",
        "how do i [a:install] $obj?|$does need [a:installing]?|can i [a:fit] $obj myself?|\
         is the [a:installation hard]?",
        "plug in|$n minutes|by an electrician",
    ),
    (
        "heat_output|heating",
        "how much [a:heat] $does give?|what is the [a:heat output]$of?|\
         $does [a:heat] a whole room?|how [a:hot] $does get?",
        "$n W|$d kW",
    ),
    (
        "filter",
        "what [a:filter] $does use?|how often do i change the [a:filter]?|\
         is the [a:filter washable]?|$does have a [a:filter]?",
        "HEPA|washable|every $d months",
    ),
    (
        "suction",
        "how strong is the [a:suction]?|what [a:suction] $does have?|\
         is the [a:suction good]?|how well $does [a:suck]?",
        "$n W|$n Pa",
    ),
    (
        "rope_length|reach",
        "how long is the [a:rope]?|how far can $it [a:reach]?|what is the [a:reach]$of?|\
         does it [a:reach three metres]?",
        "$d m|$n m",
    ),
    (
        "opacity|transparency",
        "$is [a:see through]?|$does block the [a:light]?|$is [a:blackout]?|\
         how [a:opaque] $is?",
        "blackout|sheer|opaque",
    ),
    (
        "movement|clockwork",
        "what [a:movement] $does have?|$is [a:quartz] or automatic?|$does [a:tick]?|\
         does that need [a:winding]?",
        "quartz|automatic|silent",
    ),
    (
        "hypoallergenic",
        "$is [a:hypoallergenic]?|does that cause [a:allergies]?|$is good for [a:allergies]?|\
         i have an [a:allergy], can i use it?",
        "yes|no",
    ),
    (
        "nickel|plating",
        "$does contain [a:nickel]?|$is real [a:gold]?|$is [a:plated]?|\
         what [a:plating] $does have?|will $it [a:tarnish]?",
        "gold|none|silver",
    ),
    (
        "windproof",
        "$is [a:windproof]?|$does keep out the [a:wind]?|how much [a:wind] can $it take?|\
         will $it stand up to [a:wind]?",
        "yes|no|to $n km/h",
    ),
    (
        "buoyancy",
        "$does [a:float]?|what [a:buoyancy] $does have?|will $it [a:float] in salt water?|\
         how much [a:buoyancy]$of?",
        "$n N|yes|no",
    ),
    (
        "model_year|release",
        "what [a:year] $is from?|$is the latest [a:model]?|which [a:model] $is?|\
         when did it [a:come out]?",
        "20$d5|2024|second edition",
    ),
];
